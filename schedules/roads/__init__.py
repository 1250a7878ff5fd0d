"""Driving on real roads: an OpenStreetMap extract becomes a stored network that answers in process.

``tags`` says what a way's tags mean for a van, ``reading`` and ``geojson`` read files, ``building``
joins what they read into a ``network`` that is kept on disk, ``turns`` and ``hierarchy`` make it
quick to search for one vehicle, ``snapping`` finds the road beside a place, and ``driving`` is the
travel source made of all this.
"""
