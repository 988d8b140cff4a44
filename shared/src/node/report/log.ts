import winston from 'winston'
import { printable, withoutControls } from '../../printable.js'
import { formatTokens } from '../../quantity.js'
import { requestId } from '../link/requestContext.js'
import { namedToken } from './namedToken.js'

export type LogLevel = 'error' | 'warn' | 'info' | 'debug'

/** Structured log of one program; never given keys, pre-shared keys or passwords. */
export interface Log {
  error(message: string, details?: object): void
  warn(message: string, details?: object): void
  info(message: string, details?: object): void
  debug(message: string, details?: object): void
}

/** Fields of log lines that are amounts of tokens, in the smallest unit. */
const amountFields = new Set(
  'amount ceiling debt drawn due fee gasCost held outstanding owed paid pool promised raised redeemed spare stake sum total undrawn'.split(
    ' ',
  ),
)
const inTokens = winston.format((info) => {
  const token = namedToken()
  for (const [key, value] of Object.entries(info))
    if (token !== undefined && typeof value === 'bigint' && amountFields.has(key))
      info[key] = `${formatTokens(value, token.decimals)} ${token.symbol}`
  return info
})

const asText = winston.format((info) => {
  for (const [key, value] of Object.entries(info)) {
    if (typeof value === 'bigint') info[key] = value.toString()
    if (value instanceof Error) info[key] = value.message
  }
  return info
})

/** One object a line. JSON escapes some control characters only: the rest of them must not move on the terminal, either. */
const oneLine = winston.format.json({
  replacer: (_key, value) =>
    typeof value === 'bigint' ? value.toString() : typeof value === 'string' ? withoutControls(value) : value,
})

const withRequest = winston.format((info) => {
  const request = requestId()
  if (request !== undefined) info.request = request
  return info
})

const human = winston.format.printf(({ timestamp, level, message, program: _program, ...details }) => {
  const given = Object.entries(details).filter(([, value]) => value !== undefined)
  const pairs = given.map(
    // A stranger's text must not move on the terminal.
    ([key, value]) =>
      `${key}=${printable(typeof value === 'object' ? JSON.stringify(value) : String(value))}`,
  )
  return `${timestamp} ${level} ${message}${pairs.length > 0 ? `  ${pairs.join(' ')}` : ''}`
})

/**
 * Logs to standard error: sentences when it is a terminal, one JSON object a line otherwise. Lines of a request's
 * work carry its id.
 *
 * @param program - Name that every JSON line carries.
 */
export function createLog(program: string, level: LogLevel): Log {
  const { combine, timestamp, colorize } = winston.format
  const format = process.stderr.isTTY
    ? combine(withRequest(), inTokens(), asText(), timestamp({ format: 'HH:mm:ss' }), colorize(), human)
    : combine(withRequest(), asText(), timestamp(), oneLine)
  const logger = winston.createLogger({
    level,
    format,
    defaultMeta: { program },
    transports: [new winston.transports.Console({ stderrLevels: ['error', 'warn', 'info', 'debug'] })],
  })
  // What is not shown is not put into words first, as it would be by winston.
  const shown = levels.slice(0, levels.indexOf(level) + 1)
  const say = (at: LogLevel) => (message: string, details?: object) => {
    if (shown.includes(at)) logger.log(at, message, details)
  }
  return { error: say('error'), warn: say('warn'), info: say('info'), debug: say('debug') }
}

const levels: readonly LogLevel[] = ['error', 'warn', 'info', 'debug']
