"""The demo: production app, real CDK CLI, real training, live endpoint, scheduled reaper, nothing left."""
