"""The real services whose published timetables stand beside the project."""

NINE_SERVICES = (
    "angus",
    "essex",
    "librariesni",
    "midlothian",
    "north_yorkshire",
    "portsmouth",
    "suffolk",
    "wiltshire",
    "york",
)
