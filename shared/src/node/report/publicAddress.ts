/**
 * Web addresses in a text without what may be secret in them: `https://user:password@host:8545/v3/KEY?x=y` becomes
 * `https://host:8545/…`.
 */
export const publicAddresses = (text: string): string =>
  text.replace(/[a-z][a-z0-9+.-]*:\/\/[^\s,"'<>]+/gi, publicAddress)

/** One address without user, password, path and query. */
export function publicAddress(address: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(address)?.[0] ?? ''
  if (!URL.canParse(address)) return `${scheme}…`
  const { host, pathname, search, hash } = new URL(address)
  const hasMore = `${pathname}${search}${hash}`.length > 1
  return `${scheme}${host}${hasMore ? '/…' : ''}`
}

/** A text, such as another machine's answer, without the secret parts of an address, wherever they stand in it. */
export function withoutSecretsOf(address: string, text: string): string {
  if (!URL.canParse(address)) return text.replaceAll(address, publicAddress(address))
  const { username, password, pathname, search } = new URL(address)
  const parts = [username, password, ...pathname.split('/'), ...search.slice(1).split(/[&=]/)]
    .flatMap((part) => [part, decoded(part)])
    .filter((part) => part.length >= shortestSecret)
  return parts.reduce(
    (left, part) => left.replaceAll(part, '…'),
    text.replaceAll(address, publicAddress(address)),
  )
}

/** A part of a path that is shorter is a word such as `v3`. */
const shortestSecret = 6

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
