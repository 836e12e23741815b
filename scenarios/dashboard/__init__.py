"""The dashboard: play a scenario live, compare two, read studies, and understand leverage, in a browser.

What computes knows nothing of the browser: ``engine`` supervises a worker process for each visitor, ``world``
is what plays in it, and pages only draw the frozen snapshots that come out.
"""
