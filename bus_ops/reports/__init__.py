"""Reports: flat tables in open formats, reports of one's own, and those a department signs for."""
