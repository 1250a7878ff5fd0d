"""The crew's day: today's route, the event log, and the projections made from it."""
