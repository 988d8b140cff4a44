/** Whether an address is one of a local network, which `--allow-lan` leaves open. */
export function isLocalAddress(text: string): boolean {
  const bare = text.replace(/^::ffff:/, '').replace(/%.*$/, '')
  if (bare.includes(':')) return /^(fe[89ab]|f[cd])/i.test(bare)
  const [a = -1, b = -1] = bare.split('.').map(Number)
  return a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) || (a === 169 && b === 254)
}
