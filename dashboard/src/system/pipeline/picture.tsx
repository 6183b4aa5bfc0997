// The pipeline as a picture: boxes from the sources to the channels, each leading to its rows.

import type { StatusView } from "../../api";
import { Said } from "../../parts";
import { SENTENCE_MAX } from "../../text";
import { inWords, stagesOf, type Stage, type StageState } from "./stages";

// A shape for each state, beside its colour and its word.
const SHAPES: Record<StageState, string> = {
  well: "M5 1a4 4 0 1 0 0 8a4 4 0 1 0 0-8z", behind: "M5 .8L9.6 9H.4z", stopped: "M1.2 1.2h7.6v7.6H1.2z", off: "M1 4h8v2H1z",
};

export function Picture({ status }: { status: StatusView }) {
  const stages = stagesOf(status);
  const said = new Set(status.conditions.map(one => one.why));
  const unsaid = stages.filter(one => one.state !== "off" && one.why && !said.has(one.why));
  return (
    <section class="card" aria-labelledby="flow-head">
      <h2 id="flow-head">Pipeline</h2>
      <p class="hidden-text">{inWords(stages)}</p>
      <ol class="flow">{stages.map(one => <Box key={one.key} stage={one} />)}</ol>
      {unsaid.length > 0 && (
        <ul class="flow-why dim">
          {unsaid.map(one => <li key={one.key}><strong>{one.name}</strong> {one.word}: <Said text={one.why} max={SENTENCE_MAX} /></li>)}
        </ul>
      )}
    </section>
  );
}

function Box({ stage }: { stage: Stage }) {
  return (
    <li class={`stage ${stage.kind} at-${stage.key.toLowerCase()} is-${stage.state}`}>
      <a href={`#${stage.to}`}>
        <strong class="stage-name">{stage.name}</strong>{" "}
        <span class="stage-word">
          <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true"><path d={SHAPES[stage.state]} fill="currentColor" /></svg>
          {stage.word}
        </span>{" "}
        <span class="stage-figures">{stage.figures.map(one => <span key={one}><bdi>{one}</bdi> </span>)}</span>
      </a>
    </li>
  );
}
