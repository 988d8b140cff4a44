/** One file of a site: what it is, and its text. */
export interface Page {
  readonly type: string
  readonly body: string
}

const subjects = ['Garden', 'Workshop', 'Kitchen', 'Library', 'Harbour', 'Studio', 'Orchard', 'Archive']
const kinds = ['Notes', 'Journal', 'Pages', 'Log', 'Almanac', 'Papers']
const places = ['the hills', 'the coast', 'the river', 'the old town', 'the lake', 'the valley']
const fonts = ['Georgia, serif', 'Verdana, sans-serif', 'system-ui, sans-serif', '"Times New Roman", serif']
const sentences = [
  'This is a small personal site. It is updated now and then.',
  'Photographs will follow once they are sorted.',
  'Older entries were lost when the server was moved.',
  'Thank you for stopping by.',
  'There is not much here yet.',
  'Most of this was written in the evenings.',
  'Some of the links below may be out of date.',
  'Corrections are welcome.',
]

/**
 * A small site that nobody would look at twice, its words and colours drawn from a number, so that no two are alike:
 * one page that they all show would name them all.
 *
 * @param seed - At least 12 bytes of chance, the same at each start.
 * @returns Its pages by their paths.
 */
export function plainSite(seed: Uint8Array): ReadonlyMap<string, Page> {
  let at = 0
  const draw = <Value>(from: readonly Value[]): Value =>
    from[(seed[at++ % seed.length] ?? 0) % from.length] as Value
  const title = `${draw(subjects)} ${draw(kinds)}`
  const style = `body{font-family:${draw(fonts)};max-width:${30 + ((seed[at++] ?? 0) % 20)}em;margin:${1 + ((seed[at++] ?? 0) % 4)}em auto;padding:0 1em;line-height:1.5;color:#${colour(seed, at++)}}`
  const page = (heading: string, text: readonly string[]): Page => ({
    type: 'text/html; charset=utf-8',
    body: `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${heading}</title>
<style>${style}</style>
</head>
<body>
<h1>${heading}</h1>
${text.map((each) => `<p>${each}</p>\n`).join('')}</body>
</html>
`,
  })
  const first = draw(sentences)
  const others = sentences.filter((each) => each !== first)
  const text = [first, `Written near ${draw(places)}.`, draw(others)]
  return new Map([
    ['/', page(title, text)],
    ['/robots.txt', { type: 'text/plain; charset=utf-8', body: 'User-agent: *\nDisallow:\n' }],
    ['404', page('Not found', ['There is no such page here.'])],
  ])
}

/** A dark one. */
const colour = (seed: Uint8Array, at: number): string =>
  [0, 1, 2]
    .map((each) => ((seed[(at + each) % seed.length] ?? 0) % 80).toString(16).padStart(2, '0'))
    .join('')
