/**
 * A code in lines of half blocks, as a terminal shows it, as the outline of its dark squares.
 *
 * @param code - Blocks are light, spaces dark; a line is two rows.
 * @returns A path for an SVG of `size` by `size` units, one for each square.
 */
export function squares(code: string): { path: string; size: number } {
  const rows = code
    .split('\n')
    .flatMap((line) => [
      [...line].map((cell) => !'▀█'.includes(cell)),
      [...line].map((cell) => !'▄█'.includes(cell)),
    ])
  const size = Math.max(...rows.map((row) => row.length))
  const path = rows
    .slice(0, size)
    .flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : '')))
    .join('')
  return { path, size }
}
