// A tap on the map fills in where a place is.
interface TappedMap {
  on(event: "click", listener: (tap: { latlng: { lat: number; lng: number } }) => void): void;
  panTo(point: [number, number]): void;
}
interface Leaflet {
  circleMarker(point: [number, number], options: object): { addTo(map: TappedMap): { setLatLng(p: [number, number]): void } };
}

const form = document.querySelector<HTMLFormElement>("[data-set-position]");
const page = window as unknown as Record<string, unknown>;
const map = form ? (page[form.dataset["setPosition"] ?? ""] as TappedMap | undefined) : undefined;
const leaflet = page["L"] as Leaflet | undefined;

if (form && map && leaflet) {
  let marker: { setLatLng(p: [number, number]): void } | undefined;
  map.on("click", ({ latlng }) => {
    const point: [number, number] = [latlng.lat, latlng.lng];
    form.querySelector<HTMLInputElement>("[name=lat]")!.value = latlng.lat.toFixed(6);
    form.querySelector<HTMLInputElement>("[name=lon]")!.value = latlng.lng.toFixed(6);
    marker ??= leaflet.circleMarker(point, { radius: 10, color: "#b4530a" }).addTo(map);
    marker.setLatLng(point);
  });
}
