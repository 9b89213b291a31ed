// What the page address asks for, and where the box keeps it.

export const PLAYERS = ['hls', 'dash'];

/**
 * @param {string} query `location.search`
 * @returns {{channel: string, player: 'hls'|'dash'}}
 */
export function readAddress(query) {
  const asked = new URLSearchParams(query);
  const player = asked.get('player');
  return {
    channel: asked.get('channel') || 'main',
    player: PLAYERS.includes(player) ? player : 'hls',
  };
}

/** Where a channel's manifest for one player is, relative to the page's origin. */
export function manifestAddress(channel, player) {
  const file = player === 'dash' ? 'manifest.mpd' : 'master.m3u8';
  return `/live/${encodeURIComponent(channel)}/${file}`;
}

/** The query with another player in it, everything else kept (access tokens live there too). */
export function withPlayer(query, player) {
  const asked = new URLSearchParams(query);
  asked.set('player', player);
  return `?${asked}`;
}
