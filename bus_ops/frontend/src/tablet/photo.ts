// Makes a picture small enough to send from the road: at most 1,600 pixels, JPEG.
const LONGEST_SIDE = 1600;
const QUALITIES = [0.7, 0.5, 0.3];
const MOST_BYTES = 2 * 1024 * 1024;

export async function compressed(picture: Blob): Promise<Blob> {
  const drawn = await createImageBitmap(picture, { imageOrientation: "from-image" });
  const scale = Math.min(1, LONGEST_SIDE / Math.max(drawn.width, drawn.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(drawn.width * scale));
  canvas.height = Math.max(1, Math.round(drawn.height * scale));
  canvas.getContext("2d")?.drawImage(drawn, 0, 0, canvas.width, canvas.height);
  drawn.close();
  for (const quality of QUALITIES) {
    const small = await asJpeg(canvas, quality);
    if (small.size <= MOST_BYTES) return small;
  }
  throw new Error("picture too big");
}

function asJpeg(canvas: HTMLCanvasElement, quality: number): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error("no picture"))),
      "image/jpeg",
      quality,
    );
  });
}
