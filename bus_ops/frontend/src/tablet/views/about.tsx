// The app and the tablet: version, storage, language, theme, lock, the last resort.
import { useEffect, useState } from "preact/hooks";
import { lockNow, mayLock } from "../idleness";
import { lookForUpdate, updateWaiting, useUpdate } from "../install";
import { prepareNow } from "../in-touch";
import { to } from "../route";
import { type Space, askToPersist, spaceHere } from "../space";
import { credential, head, refusal, setAside } from "../state";
import { type Language, language, number, speak, t, tn } from "../words";
import { Button, Icon, Notice, Panel } from "./parts";

export function ownVersion(): string {
  return document.documentElement.dataset["version"] ?? "";
}

export function About() {
  return (
    <div class="columns">
      <div class="stack">
        <Panel title={t("This tablet")}>
          <dl class="facts">
            <div>
              <dt>{t("Name")}</dt>
              <dd>{credential.value?.name}</dd>
            </div>
            <div>
              <dt>{t("Library")}</dt>
              <dd>{head.value?.library ?? credential.value?.library}</dd>
            </div>
            <div>
              <dt>{t("Version")}</dt>
              <dd id="version">{ownVersion()}</dd>
            </div>
          </dl>
          <Update />
          {refusal.value && <Notice tone="warm">{t("The server's last answer: %(answer)s", { answer: refusal.value })}</Notice>}
          {setAside.value > 0 && (
            <Notice tone="warm">
              {tn("%(num)s entry could not be read by the server: tell the coordinator.", "%(num)s entries could not be read by the server: tell the coordinator.", setAside.value)}
            </Notice>
          )}
        </Panel>
        <Storage />
      </div>
      <div class="stack">
        <Panel title={t("Language")}>
          <LanguageSwitch />
        </Panel>
        <Panel title={t("Light or dark")}>
          <ThemeSwitch />
        </Panel>
        <Panel title={t("More")}>
          <div class="actions actions--column">
            <a class="button button--soft" href={to("ready")}>
              <Icon name="check-circle" />
              {t("What is fresh on this tablet")}
            </a>
            <a class="button button--soft" href={to("facts-file")} data-action="go-file">
              <Icon name="download" />
              {t("Signed file")}
            </a>
            {mayLock.value && (
              <Button icon="lock" action="switch-staff" onPress={lockNow}>
                {t("Lock, or change person")}
              </Button>
            )}
          </div>
        </Panel>
      </div>
    </div>
  );
}

function Update() {
  if (updateWaiting.value) {
    return (
      <>
        <Notice tone="calm">{t("A newer version lies ready. Nothing recorded is lost by updating.")}</Notice>
        <Button look="main" icon="arrow-clockwise" action="update" onPress={useUpdate}>
          {t("Update now")}
        </Button>
      </>
    );
  }
  return (
    <Button icon="arrow-clockwise" action="look-for-update" onPress={lookForUpdate}>
      {t("Look for a newer version")}
    </Button>
  );
}

function Storage() {
  const [space, setSpace] = useState<Space | null>(null);
  const read = async () => setSpace(await spaceHere());
  useEffect(() => void read(), []);
  if (!space) return null;
  const ask = async () => {
    await askToPersist();
    await read();
  };
  return (
    <Panel title={t("Storage")} id="storage">
      <Notice tone={space.persistent ? "calm" : "warm"}>
        {space.persistent
          ? t("The browser promises not to clear this tablet's store.")
          : t("The browser does not promise to keep the store. Send often, and never clear the browser's data.")}
      </Notice>
      <p>
        {t("%(used)s MB used, %(free)s MB free.", {
          used: megabytes(space.usedBytes),
          free: megabytes(space.freeBytes),
        })}
      </p>
      {space.low && <Notice tone="warm">{t("Little space is left: delete pictures or apps from this tablet.")}</Notice>}
      {!space.persistent && (
        <Button icon="hdd" action="ask-persist" onPress={ask}>
          {t("Ask the browser again")}
        </Button>
      )}
    </Panel>
  );
}

function megabytes(bytes: number): string {
  return number(bytes / 1_048_576);
}

const LANGUAGES: [Language, string][] = [
  ["vi", "Tiếng Việt"],
  ["en", "English"],
];

export function LanguageSwitch() {
  const choose = async (wanted: Language) => {
    await speak(wanted);
    // Labels of the plan come in the language they were asked in.
    if (credential.peek()) void prepareNow();
  };
  return (
    <div class="chips" role="group" aria-label={t("Language")}>
      {LANGUAGES.map(([code, name]) => (
        <button key={code} type="button" class="chip" lang={code} data-language={code} aria-pressed={language.value === code} onClick={() => void choose(code)}>
          {name}
        </button>
      ))}
    </div>
  );
}

type Theme = "light" | "dark";

function ThemeSwitch() {
  const shown = (document.documentElement.dataset["bsTheme"] ?? "light") as Theme;
  const [theme, setTheme] = useState<Theme>(shown);
  const choose = (wanted: Theme) => {
    localStorage.setItem("theme", wanted);
    document.documentElement.dataset["bsTheme"] = wanted;
    setTheme(wanted);
  };
  return (
    <div class="chips" role="group" aria-label={t("Light or dark")}>
      {(["light", "dark"] as const).map((one) => (
        <button key={one} type="button" class="chip" data-theme={one} aria-pressed={theme === one} onClick={() => choose(one)}>
          <Icon name={one === "light" ? "sun" : "moon-stars"} />
          {one === "light" ? t("Light") : t("Dark")}
        </button>
      ))}
    </div>
  );
}
