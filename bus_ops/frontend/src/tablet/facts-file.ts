// The last resort: facts that could not be sent leave the tablet as a signed file.
//
// The facts stay on the tablet and will still be sent; the server keeps each of them once.
import type { FactsFile, TabletEvent } from "./contract";
import { hex } from "./send";
import { type Credential, setting, store } from "./store";

export interface SignedFile {
  name: string;
  content: Blob;
  facts: number;
}

/** A signed file of all facts that the server does not hold yet. */
export async function factsFile(): Promise<SignedFile> {
  const credential = await setting("credential");
  if (!credential) throw new Error("not enrolled");
  const stored = await (await store()).getAllFromIndex("events", "unsent");
  const madeAt = new Date().toISOString();
  const file = await signed(stored.map((fact) => fact.event), credential, madeAt);
  return {
    name: `${credential.name.replace(/[^\p{L}\d]+/gu, "-")}-${madeAt.slice(0, 10)}.facts.json`,
    content: new Blob([JSON.stringify(file)], { type: "application/json" }),
    facts: stored.length,
  };
}

export async function signed(
  events: TabletEvent[],
  credential: Credential,
  madeAt: string,
): Promise<FactsFile> {
  const text = JSON.stringify(events);
  const said = new TextEncoder().encode(`${credential.tablet}\n${madeAt}\n${text}`);
  const signature = await crypto.subtle.sign("HMAC", await signingKey(credential.secret), said);
  return {
    format: "bus-ops-facts",
    version: 1,
    tablet: credential.tablet,
    made_at: madeAt,
    events: text,
    signature: hex(new Uint8Array(signature)),
  };
}

async function signingKey(secret: string): Promise<CryptoKey> {
  const seed = new TextEncoder().encode(`facts-file:${secret}`);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", seed));
  // The server keeps the digest as hexadecimal text, and that text is the key.
  const key = new TextEncoder().encode(hex(digest));
  return crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

/** Hand the file to the browser's downloads. */
export function download(file: SignedFile): void {
  const address = URL.createObjectURL(file.content);
  const link = document.createElement("a");
  link.href = address;
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
