"""With what and whom: vans, boats and trolleys, their depots and equipment, and the crew."""
