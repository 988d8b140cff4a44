/** Characters shown of one text that a stranger wrote. */
const maxShown = 512

/**
 * What a stranger wrote, made safe to show on a terminal or a page: control and format characters (Unicode's category C
 * and its line separators) are left out, since an escape sequence can rewrite what stands elsewhere on the screen and a
 * direction mark can reverse the rest of a line. Line ends and tabs become a space, so a text never begins a row.
 *
 * @example
 * printable('DE\u001b[2A\u001b[2K') // 'DE[2A[2K'
 */
export function printable(text: string): string {
  const clean = withoutControls(text)
  const shown = [...clean]
  return shown.length > maxShown ? `${shown.slice(0, maxShown - 1).join('')}…` : clean
}

/** The same, whatever its length: for logs, which keep the whole. */
export const withoutControls = (text: string): string =>
  text.replace(/[\t\n\v\f\r\u0085\u2028\u2029]+/g, ' ').replace(/\p{C}/gu, '')
