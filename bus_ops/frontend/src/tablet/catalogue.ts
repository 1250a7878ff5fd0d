// The catalogue on the tablet: written in pages in one transaction, found by the key in a moment.
import type {
  CardRow,
  Catalogue,
  CopyRow,
  LoanRow,
  NameRow,
  TitleRow,
} from "./contract";
import {
  type CataloguePage,
  type CatalogueSummary,
  type PageKind,
  type StoredEvent,
  keepSetting,
  setting,
  store,
} from "./store";
import { plainLetters } from "./words";

const ROWS_OF_A_PAGE = 500;
const MOST_LOOKED_AT = 300;
const MOST_FOUND = 20;
// Beyond this a name goes even if its run was never closed.
const DAYS_A_NAME_MAY_WAIT = 7;

export interface FoundCopy {
  barcode: string;
  title: string;
  author: string;
  subject: string;
  aboard: boolean;
}

export interface FoundCard {
  number: string;
  kind: string;
  className: string;
  audience: string | null;
  enabled: boolean;
  name: string;
}

export interface FoundLoan {
  card: string;
  visit: number | null;
  dueOn: string;
}

/** Everything known of one scanned code. */
export interface Found {
  code: string;
  copy: FoundCopy | null;
  card: FoundCard | null;
  loan: FoundLoan | null;
  /** Facts of any run about the code. */
  facts: StoredEvent[];
}

/** Put a whole new catalogue in the place of the old one: all of it or nothing. */
export async function keepCatalogue(catalogue: Catalogue, etag: string): Promise<void> {
  const pages = [
    ...pagesOf("titles", catalogue.titles.map((row, index) => [indexKey(index), ...row])),
    ...pagesOf("copies", catalogue.copies),
    ...pagesOf("cards", catalogue.cards),
    ...pagesOf("names", catalogue.names),
    ...pagesOf("loans", catalogue.loans),
    ...pagesOf("loansOfCard", loansByCard(catalogue.loans)),
  ];
  const transaction = (await store()).transaction(["catalogue", "settings"], "readwrite");
  const kept = transaction.objectStore("catalogue");
  const settings = transaction.objectStore("settings");
  await kept.clear();
  await Promise.all([
    ...pages.map((page) => kept.put(page)),
    settings.put(summaryOf(catalogue), "summary"),
    settings.put(etag, "etag"),
    transaction.done,
  ]);
}

function pagesOf(kind: PageKind, rows: unknown[][]): CataloguePage[] {
  const sorted = [...rows].sort((one, two) => compared(String(one[0]), String(two[0])));
  const pages: CataloguePage[] = [];
  for (let at = 0; at < sorted.length; at += ROWS_OF_A_PAGE) {
    const part = sorted.slice(at, at + ROWS_OF_A_PAGE);
    pages.push({ kind, first: String(part[0]?.[0]), rows: part });
  }
  return pages;
}

function compared(one: string, two: string): number {
  return one < two ? -1 : one > two ? 1 : 0;
}

/** Title numbers as text that sorts as they do. */
function indexKey(index: number): string {
  return String(index).padStart(9, "0");
}

function loansByCard(loans: LoanRow[]): [string, string[]][] {
  const barcodes = new Map<string, string[]>();
  for (const [barcode, card] of loans) {
    const known = barcodes.get(card);
    if (known) known.push(barcode);
    else barcodes.set(card, [barcode]);
  }
  return [...barcodes];
}

function summaryOf(catalogue: Catalogue): CatalogueSummary {
  const aboard: Record<string, number> = {};
  for (const [, title, isAboard] of catalogue.copies) {
    const subject = catalogue.titles[title]?.[2] ?? "";
    if (isAboard) aboard[subject] = (aboard[subject] ?? 0) + 1;
  }
  const loansOfPlace: Record<number, number> = {};
  for (const [, , , , place] of catalogue.loans) {
    if (place !== null) loansOfPlace[place] = (loansOfPlace[place] ?? 0) + 1;
  }
  return {
    copies: catalogue.copies.length,
    cards: catalogue.cards.length,
    names: catalogue.names.length,
    loans: catalogue.loans.length,
    aboard,
    copyShapes: shapesOf(catalogue.copies),
    cardShapes: shapesOf(catalogue.cards),
    loansOfPlace,
  };
}

/** How a code is written, "BM-00417" as "BM-99999": tells cards and copies apart when unknown. */
export function shapeOf(code: string): string {
  return code.replace(/\d/g, "9");
}

function shapesOf(rows: (CopyRow | CardRow)[]): string[] {
  const shapes = new Set<string>();
  for (const [code] of rows) {
    shapes.add(shapeOf(code));
    if (shapes.size >= 50) break;
  }
  return [...shapes];
}

type Pages = {
  openCursor(
    range: IDBKeyRange,
    direction: "prev",
  ): Promise<{ value: CataloguePage } | null>;
};

async function rowOf(pages: Pages, kind: PageKind, key: string): Promise<unknown[] | undefined> {
  const cursor = await pages.openCursor(IDBKeyRange.bound([kind, ""], [kind, key]), "prev");
  return cursor ? rowIn(cursor.value.rows, key) : undefined;
}

function rowIn(rows: unknown[][], key: string): unknown[] | undefined {
  let low = 0;
  let high = rows.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const here = String(rows[middle]?.[0]);
    if (here === key) return rows[middle];
    if (here < key) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}

/** All that is known of a code, in one reading. */
export async function lookUp(code: string): Promise<Found> {
  const transaction = (await store()).transaction(["catalogue", "events"]);
  const pages = transaction.objectStore("catalogue") as unknown as Pages;
  const [copy, card, name, loan, facts] = await Promise.all([
    rowOf(pages, "copies", code) as Promise<CopyRow | undefined>,
    rowOf(pages, "cards", code) as Promise<CardRow | undefined>,
    rowOf(pages, "names", code) as Promise<NameRow | undefined>,
    rowOf(pages, "loans", code) as Promise<LoanRow | undefined>,
    transaction.objectStore("events").index("code").getAll(code),
  ]);
  const title = copy && ((await titleRow(pages, copy[1])) as [string, ...TitleRow] | undefined);
  return {
    code,
    copy: copy ? foundCopy(copy, title) : null,
    card: card ? foundCard(card, name?.[1] ?? "") : null,
    loan: loan ? { card: loan[1], visit: loan[2], dueOn: loan[3] } : null,
    facts,
  };
}

function titleRow(pages: Pages, index: number): Promise<unknown[] | undefined> {
  return rowOf(pages, "titles", indexKey(index));
}

function foundCopy(row: CopyRow, title: [string, ...TitleRow] | undefined): FoundCopy {
  const [, name, author, subject] = title ?? ["", "", "", ""];
  return { barcode: row[0], title: name, author, subject, aboard: row[2] === 1 };
}

function foundCard(row: CardRow, name: string): FoundCard {
  const [number, kind, , className, audience, enabled] = row;
  return { number, kind, className, audience, enabled: enabled === 1, name };
}

/** What a card has on loan by the catalogue, by barcode. */
export async function loansOf(card: string): Promise<string[]> {
  const pages = (await store()).transaction("catalogue").store as unknown as Pages;
  const row = await rowOf(pages, "loansOfCard", card);
  return (row?.[1] as string[] | undefined) ?? [];
}

/** Titles and subjects of many barcodes; unknown ones are left out. */
export async function copiesOf(barcodes: Iterable<string>): Promise<Map<string, FoundCopy>> {
  const pages = (await store()).transaction("catalogue").store as unknown as Pages;
  const found = new Map<string, FoundCopy>();
  for (const barcode of barcodes) {
    const row = (await rowOf(pages, "copies", barcode)) as CopyRow | undefined;
    if (!row) continue;
    found.set(barcode, foundCopy(row, (await titleRow(pages, row[1])) as [string, ...TitleRow]));
  }
  return found;
}

/** Barcodes that should stand on the van by the catalogue. */
export async function barcodesAboard(): Promise<Set<string>> {
  const rows = (await rowsOf("copies")) as CopyRow[];
  return new Set(rows.filter(([, , aboard]) => aboard).map(([barcode]) => barcode));
}

async function rowsOf(kind: PageKind): Promise<unknown[][]> {
  const range = IDBKeyRange.bound([kind, ""], [kind, "\uffff"]);
  const pages = await (await store()).getAll("catalogue", range);
  return pages.flatMap((page) => page.rows);
}

/** Readers whose name holds every word of the query, signs or not; those of the place first. */
export async function readersNamed(query: string, here: number): Promise<FoundCard[]> {
  const words = plainLetters(query).split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const names = (await rowsOf("names")) as NameRow[];
  const matching = names.filter(([, name]) => {
    const plain = plainLetters(name);
    return words.every((word) => plain.includes(word));
  });
  const pages = (await store()).transaction("catalogue").store as unknown as Pages;
  const rows = matching.slice(0, MOST_LOOKED_AT).map(async ([number, name]) => {
    const row = (await rowOf(pages, "cards", number)) as CardRow | undefined;
    return { row: row ?? ([number, "", null, "", null, 1] satisfies CardRow), name };
  });
  const found = await Promise.all(rows);
  found.sort((one, two) => Number(two.row[2] === here) - Number(one.row[2] === here));
  return found.slice(0, MOST_FOUND).map(({ row, name }) => foundCard(row, name));
}

/** Forget readers' names whose last day is over; `openDays` are days with a run not closed. */
export async function forgetNames(today: string, openDays: ReadonlySet<string>): Promise<void> {
  const names = (await rowsOf("names")) as NameRow[];
  const kept = names.filter(([, , lastDay]) => isNeeded(lastDay, today, openDays));
  if (kept.length === names.length) return;
  const range = IDBKeyRange.bound(["names", ""], ["names", "\uffff"]);
  const transaction = (await store()).transaction("catalogue", "readwrite");
  await transaction.store.delete(range);
  await Promise.all(pagesOf("names", kept).map((page) => transaction.store.put(page)));
  await transaction.done;
  const summary = await setting("summary");
  if (summary) await keepSetting("summary", { ...summary, names: kept.length });
}

function isNeeded(lastDay: string, today: string, openDays: ReadonlySet<string>): boolean {
  if (lastDay >= today) return true;
  const waited = Date.parse(today) - Date.parse(lastDay);
  return openDays.has(lastDay) && waited <= DAYS_A_NAME_MAY_WAIT * 86_400_000;
}
