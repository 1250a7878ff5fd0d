// Speaks to the server, and measures by the way how far the tablet's clock is off.
//
// Whether there is a network is found out by asking the server: the browser's own word for it
// ("online") is also said in a yard with a dead router.
import { type Credential, keepSetting, setting, unsentCount } from "./store";

let version = "";

/** The app's version, told to the server with every request. */
export function speakAs(ownVersion: string): void {
  version = ownVersion;
}

const PATIENCE_MS = 20_000;
const PATIENCE_FOR_MUCH_MS = 180_000;

/** The server cannot be reached, or speaks nonsense. */
export class UnreachableError extends Error {}

/** The server answered, and not with what was asked for. */
export class RefusedError extends Error {
  constructor(
    readonly status: number,
    readonly problem: string,
  ) {
    super(`${status} ${problem}`);
  }
}

export interface Request {
  method?: string;
  body?: BodyInit;
  headers?: Record<string, string>;
  /** A big answer may take its time. */
  much?: boolean;
  /** Statuses other than 2xx that are answers too. */
  also?: number[];
}

export async function ask(path: string, request: Request = {}): Promise<Response> {
  const credential = await setting("credential");
  const headers = { ...request.headers, ...(await ownHeaders(credential)) };
  const answer = await reach(path, { ...request, headers });
  if (answer.ok || request.also?.includes(answer.status)) return answer;
  throw new RefusedError(answer.status, await problemIn(answer));
}

async function ownHeaders(credential?: Credential): Promise<Record<string, string>> {
  if (!credential) return {};
  return {
    Authorization: `Bearer ${credential.tablet}.${credential.secret}`,
    "X-Tablet-State": `version=${version}; unsent=${await unsentCount()}`,
  };
}

async function reach(path: string, request: Request): Promise<Response> {
  const patience = request.much ? PATIENCE_FOR_MUCH_MS : PATIENCE_MS;
  try {
    return await fetch(`/tablet/api/${path}`, {
      method: request.method ?? "GET",
      body: request.body ?? null,
      headers: request.headers ?? {},
      credentials: "omit",
      cache: "no-store",
      signal: AbortSignal.timeout(patience),
    });
  } catch {
    throw new UnreachableError(path);
  }
}

async function problemIn(answer: Response): Promise<string> {
  try {
    return String((await answer.json()).error ?? answer.status);
  } catch {
    return String(answer.status);
  }
}

/** Read an answer's JSON; a page of a hotel's network is no answer of the server. */
export async function read<T>(answer: Response): Promise<T> {
  try {
    return (await answer.json()) as T;
  } catch {
    throw new UnreachableError(answer.url);
  }
}

/** Ask the server for its clock; keeps what must be added to this tablet's clock. */
export async function ping(): Promise<void> {
  const before = Date.now();
  const answer = await read<{ now: string }>(await ask("ping"));
  const after = Date.now();
  const there = Date.parse(answer.now);
  if (Number.isNaN(there)) throw new UnreachableError("ping");
  await keepSetting("clockOffset", Math.round(there - (before + after) / 2));
}
