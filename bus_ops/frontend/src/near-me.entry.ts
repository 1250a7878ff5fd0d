// Orders the public list of stops by how far they are from whoever asks.
const EARTH_KM = 6371;

function kilometres(lat: number, lon: number, place: { lat: number; lon: number }): number {
  const rad = Math.PI / 180;
  const a =
    Math.sin(((place.lat - lat) * rad) / 2) ** 2 +
    Math.cos(lat * rad) * Math.cos(place.lat * rad) * Math.sin(((place.lon - lon) * rad) / 2) ** 2;
  return 2 * EARTH_KM * Math.asin(Math.sqrt(a));
}

function order(list: HTMLElement, lat: number, lon: number): void {
  const format = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
  const far = [...list.children].map((child) => {
    const item = child as HTMLElement;
    const place = { lat: Number(item.dataset["lat"]), lon: Number(item.dataset["lon"]) };
    const km = item.dataset["lat"] ? kilometres(lat, lon, place) : Infinity;
    const shown = item.querySelector<HTMLElement>("[data-distance]");
    if (shown && Number.isFinite(km)) {
      shown.textContent = `${format.format(km)} km`;
      shown.hidden = false;
    }
    return { item, km };
  });
  far.sort((one, other) => one.km - other.km);
  list.append(...far.map(({ item }) => item));
}

const button = document.querySelector<HTMLButtonElement>("[data-near-me]");
const list = button ? document.querySelector<HTMLElement>(button.dataset["nearMe"] ?? "") : null;
const answer = document.querySelector<HTMLElement>("[data-near-me-answer]");

if (button && list && answer && "geolocation" in navigator) {
  button.hidden = false;
  button.addEventListener("click", () => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        answer.hidden = true;
        order(list, coords.latitude, coords.longitude);
      },
      () => {
        answer.textContent = button.dataset["failed"] ?? "";
        answer.hidden = false;
      },
      { maximumAge: 300_000, timeout: 15_000 },
    );
  });
}
