// Wires the page together.

import { PLAYERS, readAddress, withPlayer } from './address.js';
import { Choices } from './choices.js';
import { ServerClock } from './clock.js';
import { publishDiagnosis } from './diagnosis.js';
import { clockTime, delayText, duration } from './format.js';
import { Frames } from './frames.js';
import { FullScreen } from './fullscreen.js';
import { listenToKeys } from './keyboard.js';
import { Notice } from './notice.js';
import { Session } from './session.js';
import { Sound } from './sound.js';
import { Still } from './still.js';
import { TimeBar } from './timebar.js';

const DELAY_MS = 1_000;

const element = (id) => document.getElementById(id);
const viewer = element('viewer');
const video = element('video');
const { channel, player } = readAddress(location.search);

const clock = new ServerClock(
  async () => {
    const response = await fetch('/time', { cache: 'no-store' });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return response.text();
  },
  () => performance.timeOrigin + performance.now(),
);
const session = new Session(video, {
  channel,
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
const notice = new Notice(element('notice'), element('big-play'));
const choices = new Choices({ quality: element('quality'), player: element('player') }, session, setPlayer);
const timeBar = new TimeBar(element('timebar'), {
  onSeek: (mediaTime) => session.seekToMedia(mediaTime),
  utcAt: (mediaTime) => session.utcAt(mediaTime),
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
  const { state, range, atLive, paused } = session;
  const mediaTime = video.currentTime;
  viewer.classList.toggle('paused', paused);
  viewer.classList.toggle('at-live', atLive);
  element('play').setAttribute('aria-label', paused ? 'Play' : 'Pause');
  element('live').setAttribute('aria-pressed', String(atLive));
  element('live').disabled = range === null || range.finished;
  notice.render(state);
  choices.render();
  timeBar.render(range, mediaTime);
  renderPosition(range, atLive ? null : mediaTime);
}

function renderPosition(range, rewoundTo) {
  const [clockText, behindText] = element('position').children;
  const utc = range && session.utcAt(rewoundTo ?? video.currentTime);
  clockText.textContent = utc === null ? '' : clockTime(utc);
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

document.title = `${channel} – live`;
element('channel').textContent = channel;
clock.keep();
setInterval(() => {
  element('delay').value = delayText(session.delay);
}, DELAY_MS);
publishDiagnosis(session, setPlayer);
render();
