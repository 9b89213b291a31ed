// Asks the box what a manifest address holds right now.

const TIMEOUT_MS = 3_000;

/** What an HTTP status means for a viewer, null when the body has to tell. */
export function verdictOfStatus(status) {
  if (status >= 200 && status < 300) return null;
  if (status === 401 || status === 403) return 'refused';
  if (status === 404 || status === 410) return 'missing';
  return 'busy';
}

/** Address of the first rendition in a master playlist, null in a media playlist. */
export function firstRendition(master) {
  const lines = master.split(/\r?\n/);
  const header = lines.findIndex((line) => line.startsWith('#EXT-X-STREAM-INF'));
  if (header < 0) return null;
  return lines.slice(header + 1).find((line) => line !== '' && !line.startsWith('#')) ?? null;
}

/** Whether a media playlist or an MPD says that nothing more will come. */
export function saysEnded(manifest) {
  if (manifest.startsWith('#EXTM3U')) return /^#EXT-X-ENDLIST/m.test(manifest);
  return !/<MPD[^>]*\stype="dynamic"/.test(manifest);
}

/**
 * @param {string} address manifest address
 * @returns {Promise<'live'|'ended'|'missing'|'refused'|'busy'|'lost'>}
 */
export async function inquire(address) {
  try {
    const manifest = await read(address);
    const rendition = firstRendition(manifest.body);
    const decisive = rendition ? await read(new URL(rendition, manifest.url)) : manifest;
    return saysEnded(decisive.body) ? 'ended' : 'live';
  } catch (error) {
    return error.verdict ?? 'lost';
  }
}

async function read(address) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
  try {
    const response = await fetch(address, { cache: 'no-store', signal: abort.signal });
    const verdict = verdictOfStatus(response.status);
    if (verdict) throw Object.assign(new Error(`status ${response.status}`), { verdict });
    return { url: response.url, body: await response.text() };
  } finally {
    clearTimeout(timer);
  }
}
