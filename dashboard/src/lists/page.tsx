// The person's own lists: whom to look for, whom to leave out, and programs that nobody else names.

import type { MutesAnswer, ProgramsAnswer, WatchlistsAnswer } from "../api";
import "../editing/editing.css";
import { Answer, useAsked } from "../frame/asked";
import { useLists } from "../frame/lists";
import type { Shown } from "../frame/pages";
import "./lists.css";
import { Mutes } from "./mutes";
import { Programs } from "./programs";
import { WatchList } from "./watched";

const EVERY_MS = 5000;

export function ListsPage({ live }: Shown) {
  const watched = useAsked<WatchlistsAnswer>("/api/v1/watchlists", EVERY_MS);
  const mutes = useAsked<MutesAnswer>("/api/v1/mutes", EVERY_MS);
  const programs = useAsked<ProgramsAnswer>("/api/v1/programs", EVERY_MS);
  const labels = useLists();
  // Labels stand beside addresses on this page, too.
  const both = (again: () => void) => () => { again(); labels.again(); };
  return (
    <>
      <h1>Lists</h1>
      <Answer asked={watched}>{document => <WatchList document={document} again={both(watched.again)} />}</Answer>
      <Answer asked={mutes}>{document => <Mutes document={document} again={both(mutes.again)} nowMs={live.nowMs()} />}</Answer>
      <Answer asked={programs}>{document => <Programs document={document} again={programs.again} nowMs={live.nowMs()} />}</Answer>
    </>
  );
}
