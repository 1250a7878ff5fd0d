// The first page of a tablet that belongs to nobody yet.
import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { EnrolError, type EnrolProblem, codeIn, enrol } from "../enrol";
import { lookNow } from "../in-touch";
import { askToPersist } from "../space";
import { showAgain } from "../state";
import { t } from "../words";
import { CameraSheet } from "./camera-sheet";
import { LanguageSwitch } from "./about";
import { Button, Icon, Notice, TextField } from "./parts";

type Progress = "idle" | "working" | EnrolProblem | "unreachable" | "no_code";
export const enrolling = signal<Progress>("idle");

/** Use a code; says on screen what came of it. */
export async function enrolWith(code: string | null): Promise<void> {
  if (!code) {
    enrolling.value = "no_code";
    return;
  }
  enrolling.value = "working";
  try {
    await enrol(code);
    await askToPersist();
    await showAgain();
    enrolling.value = "idle";
    void lookNow();
  } catch (error) {
    enrolling.value = error instanceof EnrolError ? error.problem : "unreachable";
  }
}

export function Enrol() {
  const [typed, setTyped] = useState("");
  const [camera, setCamera] = useState(false);
  const working = enrolling.value === "working";
  const useTyped = (event: Event) => {
    event.preventDefault();
    void enrolWith(codeIn(typed));
  };
  return (
    <main class="enrol" data-view="enrol" id="content">
      <div class="enrol-box">
        <Icon name="truck-front" />
        <h1>{t("Make this a tablet of the mobile library")}</h1>
        <p class="quiet">
          {t("The coordinator opens “Tablets” and shows a code. Scan it, or open its link here.")}
        </p>
        <EnrolTrouble />
        <Button big look="main" icon="qr-code-scan" action="open-camera" onPress={() => setCamera(true)}>
          {t("Scan the code")}
        </Button>
        <form onSubmit={useTyped}>
          <TextField label={t("Or type the code")} name="code" value={typed} onValue={setTyped} longest={400} />
          <Button type="submit" icon="check-lg" action="enrol" disabled={working || !typed.trim()}>
            {working ? t("One moment…") : t("Enrol")}
          </Button>
        </form>
        <LanguageSwitch />
      </div>
      {camera && (
        <CameraSheet
          onClose={() => setCamera(false)}
          onCode={(code) => {
            setCamera(false);
            void enrolWith(codeIn(code));
          }}
        />
      )}
    </main>
  );
}

export function EnrolTrouble() {
  const words = troubleWords(enrolling.value);
  return (
    <div role="status" id="enrol-trouble" data-problem={enrolling.value}>
      {words && <Notice tone="warm">{words}</Notice>}
    </div>
  );
}

function troubleWords(progress: Progress): string | null {
  switch (progress) {
    case "unknown_code":
      return t("The server does not know this code, or it was used already. Ask for a new one.");
    case "expired_code":
      return t("This code is too old. Ask the coordinator for a new one.");
    case "unsent_facts":
      return t("This tablet still holds facts that were not sent. Send them first.");
    case "unreachable":
      return t("The server cannot be reached. Enrolling needs the network once.");
    case "refused":
      return t("The server refused the code. Ask the coordinator for a new one.");
    case "no_code":
      return t("This is no code of a tablet. It stands on the coordinator's screen.");
    default:
      return null;
  }
}
