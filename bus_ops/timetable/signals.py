"""What the timetable tells the floors above it."""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

# Sent with ``visits`` (a list of Visit, flushed) after visits were moved, cancelled or restored.
# A receiver may answer one translated sentence for the person who did it.
visits_changed = _signals.signal("visits-changed")

# Sent with ``organisation_id`` after runs were made or taken away in bulk (flushed), once for a
# whole import or filling. A receiver may answer one translated sentence.
runs_filled = _signals.signal("runs-filled")
