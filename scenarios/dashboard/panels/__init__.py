"""Parts of pages: controls, charts, views of users, the event log."""
