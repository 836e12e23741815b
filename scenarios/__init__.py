"""What to run, and the front door: scenario files, interventions, run directories and the command line."""
