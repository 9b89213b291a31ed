// What the page address asks for, and where the box keeps it.

export const PLAYERS = ['hls', 'dash'];

/**
 * @typedef {object} Source what is played
 * @property {'live'|'vod'} kind a channel's own line, or a published asset: live while it is recorded, then on demand
 * @property {string} name the channel's name or the asset's locator
 * @property {string} filter names of filters with `;` between them, empty for none
 */

/**
 * @param {string} query `location.search`
 * @returns {{source: Source, player: 'hls'|'dash'}}
 */
export function readAddress(query) {
  const asked = new URLSearchParams(query);
  const player = asked.get('player');
  const locator = asked.get('vod');
  const filter = asked.get('filter') ?? '';
  return {
    source: locator
      ? { kind: 'vod', name: locator, filter }
      : { kind: 'live', name: asked.get('channel') || 'main', filter },
    player: PLAYERS.includes(player) ? player : 'hls',
  };
}

/** Where the manifest for one player is, relative to the page's origin. */
export function manifestAddress(source, player) {
  const names = source.filter.split(';').map(encodeURIComponent).join(';');
  const query = source.filter ? `?filter=${names}` : '';
  return placeOf(source) + (player === 'dash' ? 'manifest.mpd' : 'master.m3u8') + query;
}

/** Where an asset is as one file. */
export function downloadAddress(source) {
  return `${placeOf(source)}download.mp4`;
}

/** Where the index of an asset's thumbnails is. */
export function thumbnailsAddress(source) {
  return `${placeOf(source)}thumbnails.vtt`;
}

function placeOf({ kind, name }) {
  return `/${kind}/${encodeURIComponent(name)}/`;
}

/** The query with another player in it, everything else kept (access tokens live there too). */
export function withPlayer(query, player) {
  const asked = new URLSearchParams(query);
  asked.set('player', player);
  return `?${asked}`;
}
