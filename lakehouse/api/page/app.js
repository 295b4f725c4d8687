// The page: asks the API every 2 s while it can be seen, and draws what has changed.

import { Api, Away, KeyWanted, Problem } from "./api.js";
import { Choice } from "./choice.js";
import { showCompleteness } from "./heatmap.js";
import { askForKey, isLocked, keyTaken, keyWanted } from "./key.js";
import { Market } from "./market.js";
import { showNotices, showVitals } from "./notices.js";
import { poll } from "./poll.js";
import { showPipeline } from "./pipeline.js";
import { showPulse } from "./pulse.js";
import { Series } from "./series.js";
import { showSpikes } from "./spikes.js";
import { say } from "./dom.js";

const EVERY = 2_000;
const PROOF_EVERY = 5_000;

const api = new Api();
const series = new Series(api);
const choice = new Choice(() => (market.mark(), state.pulse && drawPulse(), now()));
const market = new Market(choice);
// What the newest answers said; `readAt` is when the market was read. Times in milliseconds since
// 1970, null where it is not so.
const state = { pulse: null, source: null, awaySince: null, readAt: null, problem: "" };

/** True where every question was answered, be it with a problem that the API explains. */
async function look() {
  if (isLocked()) return true;
  const health = await asked("health", "/v1/health");
  const pulse = health === AWAY ? AWAY : await asked("pulse", "/v1/pulse");
  if (health === AWAY || pulse === AWAY) return false;
  if (health) {
    state.source = health.source;
    showPipeline(health);
  }
  if (pulse) await showMarket(pulse);
  else if (pulse === null) empty();
  tell();
  return true;
}

async function showMarket(pulse) {
  [state.problem, state.readAt, state.pulse] = ["", Date.now(), pulse];
  state.source = pulse.source;
  drawPulse();
  const shown = choice.key;
  const [minutes, spikes] = await Promise.all([
    answered(() => series.read(choice, pulse.source.newest_minute)),
    asked("spikes", "/v1/spikes?limit=50"),
  ]);
  // Another symbol may have been chosen meanwhile: then its own answer is on the way.
  if (minutes && minutes !== AWAY && shown === choice.key) market.show(minutes);
  if (spikes && spikes !== AWAY) showSpikes(spikes, choice);
}

function drawPulse() {
  const { symbols } = state.pulse;
  choice.settle(symbols);
  market.mark();
  document.getElementById("pulse").hidden = false;
  document.getElementById("market-blank").hidden = true;
  say(document.getElementById("market-note"), `${symbols.length} symbols`);
  showPulse(symbols, choice);
}

/** The lake is there and has no minute yet, or has not been read. */
function empty() {
  if (state.pulse) return;
  for (const blank of document.querySelectorAll("#market .blank, #spikes .blank")) say(blank, state.problem);
  market.say(state.problem);
}

async function prove() {
  if (isLocked()) return true;
  const proof = await asked("completeness", "/v1/completeness?hours=24", () => {});
  if (proof && proof !== AWAY) showCompleteness(proof);
  return proof !== AWAY;
}

const AWAY = Symbol("away");

/** The answer; null for a problem, AWAY where there is no answer to rely on. */
function asked(name, path, onProblem = (text) => (state.problem = text)) {
  return answered(() => api.ask(name, path), onProblem);
}

async function answered(question, onProblem = () => {}) {
  try {
    const answer = await question();
    state.awaySince = null;
    keyTaken();
    return answer;
  } catch (error) {
    return failed(error, onProblem);
  }
}

function failed(error, onProblem) {
  if (error instanceof Problem) {
    state.awaySince = null;
    onProblem(error.message);
    return null;
  }
  if (error instanceof KeyWanted) keyWanted(error.tried);
  else if (error instanceof Away) state.awaySince ??= Date.now();
  else throw error;
  tell();
  return AWAY;
}

function tell() {
  const old = state.awaySince !== null || (state.problem !== "" && state.pulse !== null);
  document.body.classList.toggle("old", old);
  showNotices({ ...state, locked: isLocked() }, Date.now());
  showVitals(state.source, state.readAt, Date.now());
}

askForKey(() => (now(), proveNow()));
setInterval(() => document.hidden || tell(), 1_000);
const now = poll(EVERY, look);
const proveNow = poll(PROOF_EVERY, prove);
