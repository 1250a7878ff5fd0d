// The route as a drawing of its own: communes, the way, the depot, numbered stops by state.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Point, RouteMap, Run, Visit } from "../contract";
import { stateOf } from "../day";
import { type Box, type Flat, boxAround, pathOf, projectionAround, zoomed } from "../projection";
import { toVisit } from "../route";
import { fold, fresh, head, readMap, run } from "../state";
import { clock, kilometres, duration, t } from "../words";
import { Button, Empty, Panel } from "./parts";
import { StateTag } from "./today";

export function RouteMapView() {
  const [map, setMap] = useState<RouteMap | null>(null);
  const plannedAt = fresh.value.planAt;
  useEffect(() => void readMap().then(setMap), [plannedAt]);
  const inHand = run.value?.run;
  if (!inHand) return <Empty icon="map">{t("No run is planned for the next days.")}</Empty>;
  return (
    <div class="columns columns--map">
      <Drawing key={`${inHand.id} ${map ? "drawn" : "empty"}`} map={map} run={inHand} />
      <Panel title={t("Stops")}>
        <p class="quiet">
          {kilometres(inHand.distance_m)} · {duration(inHand.drive_minutes)}
          {map?.sources?.[inHand.id] && ` · ${map.sources[inHand.id]}`}
        </p>
        <ol class="map-list">
          {inHand.visits.map((visit) => (
            <li key={visit.id}>
              <a href={toVisit(visit.id)}>
                <span class={`dot dot--${stateOf(visit, fold.value)}`}>{visit.sign}</span>
                <span>
                  {visit.place.name}
                  <span class="quiet"> {clock(visit.arrival_at)}</span>
                </span>
                <StateTag state={stateOf(visit, fold.value)} />
              </a>
            </li>
          ))}
        </ol>
      </Panel>
    </div>
  );
}

interface Drawn {
  whole: Box;
  line: string;
  outlines: { name: string; path: string; at: Flat }[];
  depot: Flat | null;
  stops: { visit: Visit; at: Flat }[];
}

function drawn(map: RouteMap | null, planned: Run): Drawn {
  const line = map?.lines[planned.id] ?? [];
  const placed = planned.visits.filter(({ place }) => place.lat !== null && place.lon !== null);
  const stops = placed.map(({ place }) => [place.lat, place.lon] as Point);
  const home = head.peek()?.depot;
  const points: Point[] = [...line, ...stops, ...(home ? [[home.lat, home.lon] as Point] : [])];
  const flat = projectionAround(points);
  const way = line.length ? line : points;
  return {
    whole: boxAround(points.length ? points.map(flat) : [[0, 0]]),
    line: pathOf(way.map(flat)),
    outlines: (map?.outlines ?? []).map(({ name, rings }) => ({
      name,
      path: rings.map((ring) => pathOf(ring.map(flat), true)).join(""),
      at: middleOf((rings[0] ?? []).map(flat)),
    })),
    depot: home ? flat([home.lat, home.lon]) : null,
    stops: placed.map((visit, index) => ({ visit, at: flat(stops[index] as Point) })),
  };
}

function middleOf(ring: Flat[]): Flat {
  const sum = ring.reduce<Flat>(([x, y], [px, py]) => [x + px, y + py], [0, 0]);
  return [sum[0] / Math.max(1, ring.length), sum[1] / Math.max(1, ring.length)];
}

function Drawing({ map, run: planned }: { map: RouteMap | null; run: Run }) {
  const picture = useMemo(() => drawn(map, planned), [map, planned]);
  const [box, setBox] = useState(picture.whole);
  const drawing = useRef<SVGSVGElement>(null);
  const drag = useDrag(drawing, box, setBox);
  // One pixel of the screen in metres of the drawing, so that signs keep their size.
  const pixel = Math.max(box.width / 560, box.height / 500);
  const named = withRoomForName(picture.stops, pixel);
  return (
    <div class="map-box">
      <svg
        ref={drawing}
        class="route-map"
        id="route-map"
        viewBox={`${box.x} ${box.y} ${box.width} ${box.height}`}
        role="img"
        aria-label={t("Map of the route")}
        {...drag}
      >
        {picture.outlines.map(({ name, path }) => (
          <path key={name} class="map-commune" d={path} />
        ))}
        <path class="map-way" d={picture.line} stroke-width={5 * pixel} />
        {picture.outlines.map(({ name, at }) => (
          <text key={name} class="map-commune-name" x={at[0]} y={at[1]} font-size={13 * pixel}>
            {name}
          </text>
        ))}
        {picture.depot && <DepotSign at={picture.depot} pixel={pixel} />}
        {picture.stops.map(({ visit, at }) => (
          <StopSign key={visit.id} visit={visit} at={at} pixel={pixel} named={named.has(visit.id)} />
        ))}
      </svg>
      <div class="map-zoom">
        <Button icon="plus-lg" aria-label={t("Nearer")} action="zoom-in" onPress={() => setBox(zoomed(box, 0.6))} />
        <Button aria-label={t("Farther")} action="zoom-out" onPress={() => setBox(zoomed(box, 1 / 0.6))}>
          −
        </Button>
        <Button icon="house" aria-label={t("The whole route")} action="zoom-fit" onPress={() => setBox(picture.whole)} />
      </div>
    </div>
  );
}

function DepotSign({ at: [x, y], pixel }: { at: Flat; pixel: number }) {
  const half = 13 * pixel;
  return (
    <g class="map-depot">
      <rect x={x - half} y={y - half} width={2 * half} height={2 * half} rx={5 * pixel} stroke-width={2 * pixel} />
      <text x={x} y={y} font-size={16 * pixel} dy="0.35em">
        ⌂
      </text>
    </g>
  );
}

interface StopSignProps {
  visit: Visit;
  at: Flat;
  pixel: number;
  named: boolean;
}

function StopSign({ visit, at: [x, y], pixel, named }: StopSignProps) {
  const state = stateOf(visit, fold.value);
  return (
    <g class={`map-stop map-stop--${state}`} data-map-stop={visit.id} data-state={state}>
      <circle cx={x} cy={y} r={15 * pixel} stroke-width={2.5 * pixel} />
      <text x={x} y={y} font-size={15 * pixel} dy="0.35em">
        {visit.sign}
      </text>
      {named && (
        <text class="map-name" x={x} y={y + 32 * pixel} font-size={13 * pixel} stroke-width={3.5 * pixel}>
          {shortened(visit.place.name)}
        </text>
      )}
    </g>
  );
}

/** Names that would lie on each other are left to the list beside; nearer, they appear. */
function withRoomForName(stops: Drawn["stops"], pixel: number): Set<number> {
  const placed: Flat[] = [];
  const named = new Set<number>();
  for (const { visit, at } of stops) {
    const [x, y] = at;
    if (placed.some(([px, py]) => Math.abs(px - x) < 170 * pixel && Math.abs(py - y) < 34 * pixel)) continue;
    placed.push(at);
    named.add(visit.id);
  }
  return named;
}

function shortened(name: string): string {
  return name.length > 26 ? `${name.slice(0, 25)}…` : name;
}

/** Drag the drawing with a finger. */
function useDrag(
  drawing: { current: SVGSVGElement | null },
  box: Box,
  setBox: (box: Box) => void,
) {
  const from = useRef<{ x: number; y: number; box: Box } | null>(null);
  return {
    onPointerDown: (event: PointerEvent) => {
      from.current = { x: event.clientX, y: event.clientY, box };
    },
    onPointerMove: (event: PointerEvent) => {
      const start = from.current;
      const shown = drawing.current?.getBoundingClientRect();
      if (!start || !shown || !event.buttons) return;
      const metres = Math.max(start.box.width / shown.width, start.box.height / shown.height);
      const x = start.box.x - (event.clientX - start.x) * metres;
      const y = start.box.y - (event.clientY - start.y) * metres;
      setBox({ ...start.box, x, y });
    },
    onPointerUp: () => {
      from.current = null;
    },
  };
}
