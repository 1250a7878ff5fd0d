"""Folium maps under a strict Content-Security-Policy.

Folium writes a map as a page with inline scripts and outside hosts. Here only its script is taken,
and answered from an address of its own; the page holds the box and Leaflet, both the app's own.
Without tiles a map stays readable: outlines of communes, numbered stops, the route's line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import folium
from branca.element import MacroElement
from flask import Response, current_app
from folium.template import Template
from folium.utilities import JsCode
from markupsafe import escape

Point = tuple[float, float]

_LINE_COLOUR = "#0b6e69"
_WAITING_COLOUR = "#b4530a"
_FAINT_COLOUR = "#8a4b08"
_HOVERED_OUTLINE = JsCode(
    "function(feature, layer) { layer.options.interactive = false;"
    " layer.bindTooltip(feature.properties.name,"
    " {className: 'map-commune-label', sticky: true}); }"
)
# Names stand in the pane between outlines and markers, so that they never cover a stop.
_NAMED_OUTLINE = JsCode(
    "function(feature, layer) { layer.options.interactive = false;"
    " layer.bindTooltip(feature.properties.name, {className: 'map-commune-label',"
    " permanent: true, opacity: 1, direction: 'center', pane: 'shadowPane'}); }"
)
_OUTLINE = {"color": "#7c8f8b", "weight": 1.2, "fillColor": "#ffffff", "fillOpacity": 0.25}


@dataclass(frozen=True)
class MapStop:
    """A numbered marker; ``status`` is the end of its CSS class."""

    number: str
    name: str
    lat: float
    lon: float
    status: str = "planned"
    detail: str = ""
    href: str = ""


@dataclass(frozen=True)
class MapOutline:
    """A commune's outline (a GeoJSON geometry) with its name."""

    name: str
    geometry: dict[str, Any]


@dataclass(frozen=True)
class MapFigure:
    """A circle whose area tells a figure."""

    name: str
    lat: float
    lon: float
    value: float
    text: str
    href: str = ""


class BoundPopup(MacroElement):
    """A popup of escaped HTML, bound without jQuery (which Folium's own would need)."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            {{ this._parent.get_name() }}.bindPopup({{ this.html|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, html: str) -> None:
        super().__init__()
        self._name = "BoundPopup"
        self.html = html


class QuietPrefix(MacroElement):
    """The attribution names the data only."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            {{ this._parent.get_name() }}.attributionControl.setPrefix(false);
        {% endmacro %}
        """
    )


class Credit(MacroElement):
    """Whom the map thanks beside its tiles, once."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            {{ this._parent.get_name() }}.attributionControl.addAttribution({{ this.text|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, text: str) -> None:
        super().__init__()
        self._name = "Credit"
        self.text = text


class SparseLabels(MacroElement):
    """Where names of communes would cover each other, the earlier one stands."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            (function (map) {
                function thin() {
                    var shown = [];
                    map.getContainer().querySelectorAll('.map-commune-label').forEach(function (l) {
                        var box = l.getBoundingClientRect();
                        var covered = shown.some(function (other) {
                            return box.left < other.right && other.left < box.right
                                && box.top < other.bottom && other.top < box.bottom;
                        });
                        l.classList.toggle('is-covered', covered);
                        if (!covered) shown.push(box);
                    });
                }
                map.on('zoomend resize', thin);
                thin();
            })({{ this._parent.get_name() }});
        {% endmacro %}
        """
    )


class WholeOnPaper(MacroElement):
    """A map drawn anew for the size it has on paper: all stops stay in sight."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            (function (map) {
                function redraw(onPaper) {
                    var box = map.getContainer();
                    var view = [map.getCenter(), map.getZoom()];
                    if (onPaper) box.dataset.view = JSON.stringify(view);
                    box.classList.toggle('map--on-paper', onPaper);
                    map.invalidateSize({animate: false});
                    if (onPaper) {
                        var way = {animate: false, padding: [10, 10]};
                        map.fitBounds({{ this.bounds|tojson }}, way);
                        return;
                    }
                    var before = JSON.parse(box.dataset.view);
                    map.setView(before[0], before[1], {animate: false});
                }
                window.addEventListener('beforeprint', function () { redraw(true); });
                window.addEventListener('afterprint', function () { redraw(false); });
            })({{ this._parent.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self, points: Sequence[Point]) -> None:
        super().__init__()
        self._name = "WholeOnPaper"
        self.bounds = _bounds(points)


def run_map(
    map_id: str,
    stops: Sequence[MapStop],
    depot: MapStop | None = None,
    path: Sequence[Point] = (),
    outlines: Iterable[MapOutline] = (),
    more_paths: Sequence[Sequence[Point]] = (),
    faint_paths: Sequence[Sequence[Point]] = (),
    credit: str = "",
) -> folium.Map:
    """A day's route: depot, numbered stops by status, the line between them, communes by name.

    ``more_paths`` are other runs of the day, ``faint_paths`` ways to compare it with; ``credit``
    is owed to whoever the paths come from.
    """
    drawn = _empty_map(map_id)
    if credit:
        drawn.add_child(Credit(str(escape(credit))))
    _add_outlines(drawn, outlines, _NAMED_OUTLINE)
    for faint in faint_paths:
        if len(faint) > 1:
            folium.PolyLine(
                faint, color=_FAINT_COLOUR, weight=3, opacity=0.8, dash_array="4 8"
            ).add_to(drawn)
    for line in (path, *more_paths):
        if len(line) > 1:
            folium.PolyLine(line, color=_LINE_COLOUR, weight=4, opacity=0.75).add_to(drawn)
    for stop in [*([depot] if depot else []), *stops]:
        _add_marker(drawn, stop)
    points = [(stop.lat, stop.lon) for stop in [*([depot] if depot else []), *stops]]
    _fit(drawn, points)
    drawn.add_child(SparseLabels())
    if points:
        drawn.add_child(WholeOnPaper(points))
    return drawn


def places_map(
    map_id: str,
    points: Sequence[MapStop],
    outlines: Iterable[MapOutline] = (),
    marked: MapStop | None = None,
) -> folium.Map:
    """Many places as small circles in one layer, and the one that it is about as a marker."""
    drawn = _empty_map(map_id, outlines, prefer_canvas=len(points) > 300)
    _add_circles(drawn, [(p.lat, p.lon, 6.0, _popup(p.name, p.detail, p.href)) for p in points])
    if marked is not None:
        _add_marker(drawn, marked)
    _fit(drawn, [(p.lat, p.lon) for p in [*points, *([marked] if marked else [])]])
    return drawn


def figures_map(
    map_id: str, figures: Sequence[MapFigure], outlines: Iterable[MapOutline] = ()
) -> folium.Map:
    """Circles whose area grows with the figure."""
    drawn = _empty_map(map_id, outlines)
    top = max((figure.value for figure in figures), default=0)
    circles = [
        (f.lat, f.lon, 4 + 26 * (f.value / top) ** 0.5, _popup(f.name, f.text, f.href))
        for f in sorted(figures, key=lambda f: -f.value)
        if top and f.value > 0
    ]
    _add_circles(drawn, circles)
    _fit(drawn, [(f.lat, f.lon) for f in figures])
    return drawn


def reach_map(
    map_id: str,
    reached: Sequence[MapStop],
    waiting: Sequence[MapStop],
    outlines: Iterable[MapOutline] = (),
) -> folium.Map:
    """Places that were served as full circles, those that wait as larger rings."""
    drawn = _empty_map(map_id, outlines, prefer_canvas=len(reached) + len(waiting) > 300)
    for stops, radius, ring, filled in (
        (reached, 6.0, "#ffffff", 0.75),
        (waiting, 8.0, _WAITING_COLOUR, 0.1),
    ):
        circles = [(s.lat, s.lon, radius, _popup(s.name, s.detail, s.href)) for s in stops]
        _add_circles(drawn, circles, ring, filled)
    _fit(drawn, [(stop.lat, stop.lon) for stop in [*reached, *waiting]])
    return drawn


def map_script(drawn: folium.Map) -> Response:
    """The map's JavaScript, to be loaded after Leaflet by the page that holds its box."""
    root = drawn.get_root()
    root.render()
    return Response(root.script.render(), mimetype="text/javascript")


def _empty_map(
    map_id: str, outlines: Iterable[MapOutline] = (), prefer_canvas: bool = False
) -> folium.Map:
    drawn = folium.Map(
        location=(10.036, 105.788), zoom_start=11, tiles=None, prefer_canvas=prefer_canvas
    )
    drawn._id = map_id
    drawn.add_child(QuietPrefix())
    tile_url = current_app.config["TILE_URL"]
    if tile_url:
        attribution = str(escape(current_app.config["TILE_ATTRIBUTION"]))
        folium.TileLayer(tiles=tile_url, attr=attribution, max_zoom=19).add_to(drawn)
    _add_outlines(drawn, outlines, _HOVERED_OUTLINE)
    return drawn


def _add_outlines(drawn: folium.Map, outlines: Iterable[MapOutline], on_each: JsCode) -> None:
    features = [
        {"type": "Feature", "geometry": o.geometry, "properties": {"name": str(escape(o.name))}}
        for o in outlines
    ]
    if not features:
        return
    folium.GeoJson(
        {"type": "FeatureCollection", "features": features},
        style_function=lambda _: _OUTLINE,
        on_each_feature=on_each,
    ).add_to(drawn)


def _add_marker(drawn: folium.Map, stop: MapStop) -> None:
    icon = folium.DivIcon(
        html=str(escape(stop.number)),
        class_name=f"stop-marker stop-marker--{stop.status}",
        icon_size=(30, 30),
        icon_anchor=(15, 15),
    )
    label = f"{stop.number} {stop.name}".strip()
    marker = folium.Marker((stop.lat, stop.lon), icon=icon, title=label, alt=label)
    marker.add_child(BoundPopup(_popup(stop.name, stop.detail, stop.href)))
    marker.add_to(drawn)


def _add_circles(
    drawn: folium.Map,
    circles: Sequence[tuple[float, float, float, str]],
    ring: str = "#ffffff",
    filled: float = 0.75,
) -> None:
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [lon, lat]},
            "properties": {"popup": popup, "radius": round(radius, 1)},
        }
        for lat, lon, radius, popup in circles
    ]
    if not features:
        return
    folium.GeoJson(
        {"type": "FeatureCollection", "features": features},
        marker=folium.CircleMarker(
            color=ring,
            weight=1.5 if filled > 0.5 else 3,
            fill=True,
            fill_color=_LINE_COLOUR,
            fill_opacity=filled,
        ),
        on_each_feature=JsCode(
            "function(feature, layer) { layer.setRadius(feature.properties.radius);"
            " layer.bindPopup(feature.properties.popup); }"
        ),
    ).add_to(drawn)


def _popup(name: str, detail: str, href: str) -> str:
    title = f'<a href="{escape(href)}">{escape(name)}</a>' if href else str(escape(name))
    return f"<strong>{title}</strong>" + (f"<br>{escape(detail)}" if detail else "")


def _fit(drawn: folium.Map, points: Sequence[Point]) -> None:
    if not points:
        return
    drawn.fit_bounds(_bounds(points), padding=(30, 30), max_zoom=15)


def _bounds(points: Sequence[Point]) -> list[Point]:
    """The south-western and the north-eastern corner."""
    lats, lons = [lat for lat, _ in points], [lon for _, lon in points]
    return [(min(lats), min(lons)), (max(lats), max(lons))]
