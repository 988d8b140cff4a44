import { closestTo } from '../../closest.js'
import { configurationPath, dashed, readConfigurationLines, type Written } from './configuration.js'
import { readNetwork, settingsOfNetwork } from './network.js'
import type { SettingKind } from './settingKinds.js'
import { UserError } from './userError.js'

/** A setting from the environment, the configuration or the network that is named. */
export interface SettingValue {
  readonly name: string
  readonly value: unknown
  /** As it was written. */
  readonly text: string
  readonly from: 'variable' | 'file' | 'network'
  /** Name of the variable, `PATH, line N`, or the path of the network's file. */
  readonly place: string
}

/** What is wrong with one of them, as a sentence. */
export type SettingProblem = string

type Kinds = ReadonlyMap<string, SettingKind>

/**
 * Reads the settings of the environment, then those of the home's configuration, then those of the network: of two of the
 * same name, the first holds.
 *
 * @param options.environment - Prefix of the variables, such as `PONTAGE_HUB`.
 * @param options.network - Name or file of the network on the command line.
 * @param options.repeatable - Settings of one text each that may have several values.
 * @returns What can be used, and a sentence on each that cannot: unknown, or not of its kind.
 */
export function readSettingSources(options: {
  kinds: Kinds
  environment: string
  variables: NodeJS.ProcessEnv
  home: string
  network: string | undefined
  repeatable: readonly string[]
}): { values: readonly SettingValue[]; problems: readonly SettingProblem[] } {
  const { kinds, environment, variables, home, repeatable } = options
  const values: SettingValue[] = []
  const problems: SettingProblem[] = []
  const take = (name: string, written: Written['value'], from: SettingValue['from'], place: string) => {
    const kind = kinds.get(name)
    if (kind === undefined) return
    try {
      const mayRepeat = kind.isList || repeatable.includes(name)
      values.push({ name, value: readValue(name, kind, written, mayRepeat), text: `${written}`, from, place })
    } catch (error) {
      problems.push(`${place}: ${(error as Error).message}`)
    }
  }
  for (const [variable, text = ''] of Object.entries(variables)) {
    const name = settingOf(variable, environment)
    if (kinds.has(name)) {
      // An empty variable is one that was taken back.
      if (text !== '') take(name, kinds.get(name)?.isList ? text.split(/[\s,]+/) : text, 'variable', variable)
      continue
    }
    const problem = variableProblem(variable, environment, kinds)
    if (problem !== undefined) problems.push(problem)
  }
  for (const { name: written, value, line } of linesOf(home, problems)) {
    const name = dashed(written)
    const place = `${configurationPath(home)}, line ${line}`
    if (name === 'home')
      problems.push(`${place}: home says where this file lies, so it cannot stand in it. Delete the line.`)
    else if (kinds.has(name)) take(name, value, 'file', place)
    else
      problems.push(
        `${place}: there is no setting "${written}". ${suggestion(name, kinds)}Correct the line, or delete it.`,
      )
  }
  const network = options.network ?? values.find(({ name }) => name === 'network')?.value
  if (typeof network !== 'string') return { values, problems }
  try {
    return { values: [...values, ...settingsOf(network, kinds)], problems }
  } catch (error) {
    return { values, problems: [...problems, (error as Error).message] }
  }
}

/** What a network says of settings that the program has. @throws UserError */
function settingsOf(name: string, kinds: Kinds): SettingValue[] {
  const network = readNetwork(name)
  // One hub of several is for its user to choose.
  const takes = (setting: string) => (setting === 'hub' ? kinds.get(setting)?.isList : kinds.has(setting))
  return Object.entries(settingsOfNetwork(network))
    .filter(([setting]) => takes(setting))
    .map(([setting, value]) => ({
      ...{ name: setting, value, text: `${value}`, from: 'network', place: network.path },
    }))
}

function linesOf(home: string, problems: SettingProblem[]): readonly Written[] {
  try {
    return readConfigurationLines(home)
  } catch (error) {
    problems.push((error as Error).message)
    return []
  }
}

/** `PONTAGE_HUB_MAX_GAS_PRICE` is `max-gas-price`; empty for the variables of others. */
const settingOf = (variable: string, environment: string): string =>
  variable.startsWith(`${environment}_`)
    ? variable
        .slice(environment.length + 1)
        .toLowerCase()
        .replaceAll('_', '-')
    : ''

const family = 'PONTAGE_'
const programs = ['PONTAGE_HUB_', 'PONTAGE_PROVIDER_', 'PONTAGE_CONSUMER_']

/** What is wrong with the name of a variable that is no setting's; undefined for one that is not meant for us. */
function variableProblem(variable: string, environment: string, kinds: Kinds): string | undefined {
  if (variable.startsWith(`${environment}_`)) {
    const meant = closestTo(settingOf(variable, environment), kinds.keys())
    const hint = meant === undefined ? '' : `Did you mean ${variableOf(meant, environment)}? `
    return `The environment variable ${variable} names no setting. ${hint}Correct it, or unset it.`
  }
  if (!variable.startsWith(family) || programs.some((prefix) => variable.startsWith(prefix))) return undefined
  const meant = settingOf(variable, family.slice(0, -1))
  return kinds.has(meant)
    ? `The environment variable ${variable} is not read. Did you mean ${variableOf(meant, environment)}? Correct it, or unset it.`
    : undefined
}

const variableOf = (name: string, environment: string): string =>
  `${environment}_${name.replaceAll('-', '_').toUpperCase()}`

const suggestion = (name: string, kinds: Kinds): string => {
  const meant = closestTo(name, kinds.keys())
  return meant === undefined ? '' : `Did you mean ${meant}? `
}

/** @throws UserError, the end of a sentence that begins with the place. */
function readValue(name: string, kind: SettingKind, written: Written['value'], mayRepeat: boolean): unknown {
  if (typeof written !== 'string') {
    if (mayRepeat) return written.map((each) => readOne(name, kind, each))
    throw new UserError(`${name} takes one value, but there is a list. Choose one of them.`)
  }
  const value = readOne(name, kind, written)
  return kind.isList ? [value] : value
}

function readOne(name: string, { type, choices }: SettingKind, text: string): unknown {
  if (text === '') throw new UserError(`${name} has no value. Give it one, or delete the line.`)
  if (type === 'boolean') return readBoolean(name, text)
  if (type === 'number') {
    if (/^[+-]?\d+(\.\d+)?$/.test(text)) return Number(text)
    throw new UserError(`${name} is "${text}": expected a number.`)
  }
  if (choices !== undefined && !choices.includes(text))
    throw new UserError(`${name} is "${text}": expected one of ${choices.join(', ')}.`)
  return text
}

/** @throws UserError for what is neither yes nor no. */
export function readBoolean(name: string, text: string): boolean {
  if (/^(true|yes|on|1)$/i.test(text)) return true
  if (/^(false|no|off|0)$/i.test(text)) return false
  throw new UserError(`${name} is "${text}": expected yes or no.`)
}
