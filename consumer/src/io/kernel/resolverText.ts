/** What stands in a resolver file while connected. The text that stood there before goes with it: a record can be lost. */
const mark = '# Written by pontage while it is connected.'
const kept = '#| '

/** Only the resolvers. */
export const resolverText = (servers: readonly string[]): string =>
  [mark, ...servers.map((each) => `nameserver ${each}`), ''].join('\n')

/** The resolvers, and behind them what comes back in the end. */
export const withOriginal = (resolvers: string, before: string): string =>
  [resolvers, ...linesOf(before).map((line) => kept + line)].join('')

/** Whether a resolver file is ours, be it for another provider's resolvers. */
export const isOurs = (text: string): boolean => text.startsWith(mark)

/** What stood there before; for what is not ours, that itself. */
export const originalOf = (text: string): string =>
  isOurs(text)
    ? linesOf(text)
        .flatMap((line) => (line.startsWith(kept) ? [line.slice(kept.length)] : []))
        .join('')
    : text

/** With their ends. */
const linesOf = (text: string): string[] => text.split(/(?<=\n)/).filter((line) => line !== '')
