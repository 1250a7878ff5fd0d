// A sound for each outcome, so that eyes can stay on the child: high is done, two tones is told,
// low is not done.
export type Tone = "good" | "told" | "bad";

type Note = [hertz: number, from: number, seconds: number];

const NOTES: Record<Tone, Note[]> = {
  good: [[1046, 0, 0.09]],
  told: [
    [660, 0, 0.1],
    [880, 0.13, 0.16],
  ],
  bad: [[196, 0, 0.35]],
};

let audio: AudioContext | undefined;

export function sound(tone: Tone): void {
  try {
    audio ??= new AudioContext();
    if (audio.state === "suspended") void audio.resume();
    for (const note of NOTES[tone]) play(audio, note, tone === "bad" ? "square" : "sine");
  } catch {
    // A tablet without sound still shows the outcome.
  }
}

function play(context: AudioContext, [hertz, from, seconds]: Note, shape: OscillatorType): void {
  const start = context.currentTime + from;
  const tone = context.createOscillator();
  const loudness = context.createGain();
  tone.type = shape;
  tone.frequency.value = hertz;
  loudness.gain.setValueAtTime(0.25, start);
  loudness.gain.exponentialRampToValueAtTime(0.001, start + seconds);
  tone.connect(loudness).connect(context.destination);
  tone.start(start);
  tone.stop(start + seconds);
}
