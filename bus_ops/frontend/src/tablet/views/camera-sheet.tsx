// Scanning with the camera, for tablets without a scanner.
import { useEffect, useRef, useState } from "preact/hooks";
import type { OpenCamera } from "../camera";
import { t } from "../words";
import { Notice, Sheet } from "./parts";

interface CameraProps {
  onCode: (code: string) => void;
  onClose: () => void;
}

/** The camera itself, for a page or a dialog. */
export function Camera({ onCode }: { onCode: (code: string) => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const [trouble, setTrouble] = useState(false);
  const latest = useRef(onCode);
  latest.current = onCode;
  useEffect(() => {
    let opened: OpenCamera | undefined;
    let gone = false;
    const open = async () => {
      const { openCamera } = await import("../camera");
      if (!video.current) return;
      opened = await openCamera(video.current, (code) => latest.current(code));
      if (gone) opened.close();
    };
    open().catch(() => setTrouble(true));
    return () => {
      gone = true;
      opened?.close();
    };
  }, []);
  return (
    <div class="camera">
      {trouble && <Notice tone="warm">{t("The camera cannot be used here. Type the code instead.")}</Notice>}
      <video ref={video} muted playsInline data-camera={trouble ? "none" : "open"} />
    </div>
  );
}

export function CameraSheet({ onCode, onClose }: CameraProps) {
  return (
    <Sheet title={t("Camera")} name="camera" onClose={onClose}>
      <Camera onCode={onCode} />
      <p class="hint">{t("Hold the code in the middle, about a hand's width away.")}</p>
    </Sheet>
  );
}
