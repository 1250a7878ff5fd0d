"""The engine of a mobile library's timetable: values in, values out, no Flask and no database."""
