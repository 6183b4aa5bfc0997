// One entry of a document as it stands now, for a change that may be made again to what others left.

import { Refused } from "../frame/change";
import { LABEL_MAX, plain } from "../text";

const NOT_SENT = 0;

interface Named { name: string; enabled: boolean }

/** The entry of a name, on or off, with all else as it stands now. Raises Refused where it is gone. */
export function turned<T extends Named>(now: readonly T[], name: string, isOn: boolean): T {
  const found = now.find(one => one.name === name);
  if (found === undefined) throw new Refused(`There is no ${plain(name, LABEL_MAX)} any more.`, NOT_SENT, []);
  return { ...found, enabled: isOn };
}

/** Raises Refused where an entry is no longer what was shown when somebody wanted it gone. */
export function stillAs<T>(shown: T | undefined, now: T | undefined): void {
  if (JSON.stringify(shown) === JSON.stringify(now)) return;
  throw new Refused(now === undefined ? "It is gone already." : "Somebody else changed this entry. It stays as they left it; see what is shown now.", NOT_SENT, []);
}
