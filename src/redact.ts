/**
 * A URL as people and logs may see it: without the password in its authority or its query. Of `https` the user goes
 * too, since it is often a token. A text that is no valid URL loses everything up to its last `@`.
 */
export function redactUrl(url: string): string {
  const end = URL.canParse(url) ? '[^/?#]*' : '[^]*'
  return url
    .replace(new RegExp(`^(https?://)${end}@`, 'i'), '$1')
    .replace(new RegExp(`^([a-z][a-z0-9+.-]*://[^:@/?#]*):${end}@`, 'i'), '$1@')
    .replaceAll(/(?<=[?&])(?:ssl)?password=[^&#]*&?/gi, '')
    .replace(/[?&](?=#|$)/, '')
}
