import { decodeObject } from '@pontage/shared'
import { type Program, patientMs } from './program.js'

/** One line of a program's JSON log or event stream. */
export type LogLine = Readonly<Record<string, unknown>>

/** The lines so far that are JSON and pass; other lines are left out. */
export function logLines(program: Program, accept: (line: LogLine) => boolean): LogLine[] {
  return [...program.lines('stdout'), ...program.lines('stderr')].flatMap((text) => {
    const line = parseLine(text)
    return line !== undefined && accept(line) ? [line] : []
  })
}

/** Waits for a log line with this message whose fields are as given. */
export async function logged(
  program: Program,
  message: string,
  fields: LogLine = {},
  timeoutMs = patientMs,
): Promise<LogLine> {
  const fits = (line: LogLine) =>
    (line.message === message || line.event === message) &&
    Object.entries(fields).every(([name, value]) => line[name] === value)
  await program.when(() => logLines(program, fits).length > 0, `the line "${message}"`, timeoutMs)
  return logLines(program, fits).at(-1) ?? {}
}

const parseLine = (text: string): LogLine | undefined => decodeObject(text)
