// Wires the page together.

import { PLAYERS, downloadAddress, readAddress, thumbnailsAddress, withPlayer } from './address.js';
import { Choices } from './choices.js';
import { ServerClock } from './clock.js';
import { publishDiagnosis } from './diagnosis.js';
import { clockTime, delayText, duration, progress } from './format.js';
import { Frames } from './frames.js';
import { FullScreen } from './fullscreen.js';
import { listenToKeys } from './keyboard.js';
import { Notice } from './notice.js';
import { Session } from './session.js';
import { Sound } from './sound.js';
import { Still } from './still.js';
import { Thumbnails, fetchTiles } from './thumbnails.js';
import { TimeBar } from './timebar.js';

const DELAY_MS = 1_000;

const element = (id) => document.getElementById(id);
const viewer = element('viewer');
const video = element('video');
const { source, player } = readAddress(location.search);
// Thumbnails and download are of the whole asset, of which filters may show less.
const whole = source.kind === 'vod' && source.filter === '';

const clock = new ServerClock(
  async () => {
    const response = await fetch('/time', { cache: 'no-store' });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return response.text();
  },
  () => performance.timeOrigin + performance.now(),
);
const session = new Session(video, {
  source,
  player,
  clock,
  frames: new Frames(video),
  still: new Still(element('still'), video),
  onBeat: () => queueMicrotask(render),
});

const sound = new Sound(video, {
  viewer,
  mute: element('mute'),
  volume: element('volume'),
  unmute: element('unmute'),
});
const fullScreen = new FullScreen(viewer, video, element('fullscreen'));
const notice = new Notice(element('notice'), element('big-play'), source.kind);
const menus = ['quality', 'player', 'sound', 'captions'];
const choices = new Choices(Object.fromEntries(menus.map((name) => [name, element(name)])), session, setPlayer);
const thumbnails = new Thumbnails(() => fetchTiles(thumbnailsAddress(source)));
const timeBar = new TimeBar(element('timebar'), {
  onSeek: (mediaTime) => session.seekToMedia(mediaTime),
  utcAt: (mediaTime) => session.utcAt(mediaTime),
  thumbnailAt: (mediaTime) =>
    whole && session.onDemand ? thumbnails.at(mediaTime - session.range.start, performance.now()) : null,
});

function togglePlay() {
  if (session.paused) session.play();
  else session.pause();
}

function setPlayer(name) {
  if (!PLAYERS.includes(name)) return;
  history.replaceState(null, '', withPlayer(location.search, name));
  session.setPlayer(name);
}

function jump(place) {
  if (place === 'live') session.goLive();
  else session.seekToMedia(-Infinity);
}

function render() {
  const { state, range, atLive, paused, onDemand } = session;
  const mediaTime = video.currentTime;
  viewer.classList.toggle('paused', paused);
  viewer.classList.toggle('at-live', atLive);
  element('play').setAttribute('aria-label', paused ? 'Play' : 'Pause');
  element('live').setAttribute('aria-pressed', String(atLive));
  element('live').disabled = range === null || range.finished;
  element('live').hidden = onDemand;
  element('delay-line').hidden = onDemand;
  element('download').hidden = !(whole && onDemand);
  notice.render(state);
  choices.render();
  timeBar.render(range, mediaTime);
  renderPosition(range, atLive ? null : mediaTime);
}

function renderPosition(range, rewoundTo) {
  const [clockText, behindText] = element('position').children;
  const utc = range && session.utcAt(rewoundTo ?? video.currentTime);
  clockText.textContent = utc === null ? '' : clockTime(utc);
  if (range !== null && session.onDemand) {
    behindText.textContent = progress(video.currentTime - range.start, range.end - range.start);
    return;
  }
  const behind = range && rewoundTo !== null ? Math.max(0, range.live - rewoundTo) : 0;
  behindText.textContent = behind >= 1 ? `−${duration(behind)}` : '';
}

element('play').addEventListener('click', togglePlay);
element('big-play').addEventListener('click', () => session.play());
element('live').addEventListener('click', () => session.goLive());
video.addEventListener('click', () => {
  if (sound.offered && sound.silent) sound.set(true);
  else togglePlay();
});
video.addEventListener('dblclick', () => fullScreen.toggle());
document.addEventListener('visibilitychange', () => document.hidden || clock.keep());

listenToKeys({
  togglePlay,
  seekBy: (seconds) => session.seekToMedia(video.currentTime + seconds),
  jump,
  fullScreen: () => fullScreen.toggle(),
  sound,
});

document.title = source.kind === 'live' ? `${source.name} – live` : source.name;
element('channel').textContent = source.name;
if (whole) element('download').href = downloadAddress(source);
clock.keep();
setInterval(() => {
  element('delay').value = delayText(session.delay);
}, DELAY_MS);
publishDiagnosis(session, setPlayer);
render();
