// How many copies stand on the van: the catalogue's, less those out, plus those back.
import { type FoundCopy, barcodesAboard, copiesOf } from "./catalogue";
import type { CopyFold } from "./fold";
import type { CatalogueSummary } from "./store";

export interface SubjectCount {
  subject: string;
  copies: number;
}

/** Copies aboard by subject, the many first; unknown copies count under "". */
export async function aboardBySubject(
  summary: CatalogueSummary,
  copies: ReadonlyMap<string, CopyFold>,
): Promise<SubjectCount[]> {
  const known = await copiesOf(copies.keys());
  return moved(summary.aboard, copies, known);
}

/** The catalogue's counts with each copy moved to where the facts say it is. Pure. */
export function moved(
  counts: Readonly<Record<string, number>>,
  copies: ReadonlyMap<string, CopyFold>,
  known: ReadonlyMap<string, FoundCopy>,
): SubjectCount[] {
  const now = new Map(Object.entries(counts));
  for (const [barcode, { where }] of copies) {
    const copy = known.get(barcode);
    const change = Number(where === "aboard") - Number(copy?.aboard ?? false);
    if (change) now.set(copy?.subject ?? "", (now.get(copy?.subject ?? "") ?? 0) + change);
  }
  return [...now]
    .map(([subject, count]) => ({ subject, copies: count }))
    .filter(({ copies: count }) => count > 0)
    .sort((one, two) => two.copies - one.copies || one.subject.localeCompare(two.subject));
}

export interface StockCheck {
  expected: number;
  seen: number;
  missing: string[];
  unexpected: string[];
}

/** What a stock check found so far: scanned against what should be aboard. */
export async function stockCheck(
  scanned: ReadonlySet<string>,
  copies: ReadonlyMap<string, CopyFold>,
): Promise<StockCheck> {
  const expected = await barcodesAboard();
  for (const [barcode, { where }] of copies) {
    if (where === "aboard") expected.add(barcode);
    else expected.delete(barcode);
  }
  return {
    expected: expected.size,
    seen: scanned.size,
    missing: [...expected].filter((barcode) => !scanned.has(barcode)).sort(),
    unexpected: [...scanned].filter((barcode) => !expected.has(barcode)).sort(),
  };
}
