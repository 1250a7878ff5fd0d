"""What circulation tells the floors above it."""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

# Sent with ``organisation_id`` and the ``barcodes`` or ``card_numbers`` concerned (flushed) after
# copies or cards were added, renamed or removed: what was logged of them means something else now.
catalogue_changed = _signals.signal("catalogue-changed")
