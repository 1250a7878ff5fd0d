// From degrees to a drawing: flat enough for a day's route, north up, one unit a metre. Pure.
import type { Point } from "./contract";

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export type Flat = [x: number, y: number];

const METRES_A_DEGREE = 111_320;
const MARGIN = 0.16;
const LEAST_METRES = 800;

/** A projection around the middle of the points. */
export function projectionAround(points: Point[]): (point: Point) => Flat {
  const latitudes = points.map(([lat]) => lat);
  const middle = points.length ? (Math.min(...latitudes) + Math.max(...latitudes)) / 2 : 0;
  const shrink = Math.cos((middle * Math.PI) / 180);
  return ([lat, lon]) => [lon * METRES_A_DEGREE * shrink, -lat * METRES_A_DEGREE];
}

/** The box around the points, with a margin. */
export function boxAround(points: Flat[]): Box {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const left = Math.min(...xs);
  const top = Math.min(...ys);
  const width = Math.max(LEAST_METRES, Math.max(...xs) - left);
  const height = Math.max(LEAST_METRES, Math.max(...ys) - top);
  const margin = Math.max(width, height) * MARGIN;
  return { x: left - margin, y: top - margin, width: width + 2 * margin, height: height + 2 * margin };
}

/** The same box seen from nearer (factor below 1) or farther. */
export function zoomed(box: Box, factor: number): Box {
  const width = box.width * factor;
  const height = box.height * factor;
  return {
    x: box.x + (box.width - width) / 2,
    y: box.y + (box.height - height) / 2,
    width,
    height,
  };
}

export function pathOf(points: Flat[], closed = false): string {
  const rounded = points.map(([x, y]) => `${Math.round(x)} ${Math.round(y)}`);
  return rounded.length ? `M${rounded.join("L")}${closed ? "Z" : ""}` : "";
}
