// Reads barcodes with the tablet's camera: the browser's own reader, else one that comes with the
// app. This file is fetched when the camera is first opened, so it imports nothing of the app.
interface Detector {
  detect(source: HTMLVideoElement): Promise<string | null>;
}

interface NativeDetector {
  detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]>;
}

type NativeDetectorClass = {
  new (options: { formats: string[] }): NativeDetector;
  getSupportedFormats(): Promise<string[]>;
};

const NATIVE_FORMATS = ["code_128", "code_39", "codabar", "ean_13", "ean_8", "itf", "qr_code"];
const BETWEEN_LOOKS_MS = 120;
const SAME_CODE_AGAIN_MS = 2_500;

export interface OpenCamera {
  close(): void;
}

/** Show the camera in `video` and tell each code it sees. Rejects where there is no camera. */
export async function openCamera(
  video: HTMLVideoElement,
  onCode: (code: string) => void,
): Promise<OpenCamera> {
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } },
    audio: false,
  });
  video.srcObject = stream;
  await video.play();
  const detector = await detectorHere();
  const looking = lookAgainAndAgain(video, detector, onCode);
  return {
    close() {
      looking.stop();
      stream.getTracks().forEach((track) => track.stop());
      video.srcObject = null;
    },
  };
}

function lookAgainAndAgain(
  video: HTMLVideoElement,
  detector: Detector,
  onCode: (code: string) => void,
): { stop(): void } {
  let stopped = false;
  let last = "";
  let lastAt = 0;
  const look = async () => {
    if (stopped) return;
    const code = video.readyState >= 2 ? await detector.detect(video).catch(() => null) : null;
    const isNew = code !== null && (code !== last || Date.now() - lastAt > SAME_CODE_AGAIN_MS);
    if (code !== null) {
      last = code;
      lastAt = Date.now();
    }
    if (isNew && !stopped) onCode(code);
    setTimeout(() => void look(), BETWEEN_LOOKS_MS);
  };
  void look();
  return {
    stop() {
      stopped = true;
    },
  };
}

async function detectorHere(): Promise<Detector> {
  const native = (globalThis as { BarcodeDetector?: NativeDetectorClass }).BarcodeDetector;
  const formats = native ? await native.getSupportedFormats().catch(() => []) : [];
  const wanted = NATIVE_FORMATS.filter((format) => formats.includes(format));
  return native && wanted.includes("code_128") ? nativeDetector(native, wanted) : ownDetector();
}

function nativeDetector(native: NativeDetectorClass, formats: string[]): Detector {
  const detector = new native({ formats });
  return {
    async detect(video) {
      return (await detector.detect(video))[0]?.rawValue ?? null;
    },
  };
}

async function ownDetector(): Promise<Detector> {
  const zxing = await import("zxing-wasm/reader");
  await zxing.prepareZXingModule({
    overrides: { locateFile: () => "/static/tablet/zxing_reader.wasm" },
    fireImmediately: true,
  });
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  return {
    async detect(video) {
      if (!pen || !video.videoWidth) return null;
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      pen.drawImage(video, 0, 0);
      const picture = pen.getImageData(0, 0, canvas.width, canvas.height);
      const found = await zxing.readBarcodes(picture, { tryHarder: true, maxNumberOfSymbols: 1 });
      return found[0]?.text || null;
    },
  };
}
