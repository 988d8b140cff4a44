declare const unit: unique symbol
type Quantity<Unit extends string> = bigint & { readonly [unit]: Unit }

/** The smallest unit of the deployment's token, whatever the token. */
export type Wei = Quantity<'wei'>
/** Inner IP bytes. */
export type Bytes = Quantity<'bytes'>
/** Wei for each begun megabyte. */
export type WeiPerMegabyte = Quantity<'wei per megabyte'>
/** Wei for each hour of forwarding, owed by the second. */
export type WeiPerHour = Quantity<'wei per hour'>
/** Seconds since 1970-01-01 UTC; a safe integer. */
export type UnixSeconds = number & { readonly [unit]: 'unix seconds' }

/** Lower-case hexadecimal with 0x; 32 bytes where the field is a bytes32. */
export type Hex = `0x${string}`
/** A lower-case account address; checksummed only when shown to a person. */
export type Address = Hex & { readonly [unit]: 'address' }

/** Bytes in a billed megabyte: SI, as docs/protocol.md defines it. */
export const bytesPerMegabyte = 1_000_000n

const natural = (name: string, value: bigint): bigint => {
  if (value < 0n) throw new RangeError(`${value} ${name}: a quantity cannot be negative.`)
  return value
}

export const wei = (value: bigint): Wei => natural('wei', value) as Wei
export const bytes = (value: bigint): Bytes => natural('bytes', value) as Bytes
export const weiPerMegabyte = (value: bigint): WeiPerMegabyte =>
  natural('wei per megabyte', value) as WeiPerMegabyte
export const weiPerHour = (value: bigint): WeiPerHour => natural('wei per hour', value) as WeiPerHour

/** @throws RangeError unless `value` is a safe whole number of seconds. */
export function unixSeconds(value: number): UnixSeconds {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${value} is not a time in whole seconds since 1970.`)
  return value as UnixSeconds
}

/** @throws RangeError unless `value` is 0x and 40 hexadecimal digits. */
export function address(value: string): Address {
  if (!/^0x[0-9a-fA-F]{40}$/.test(value))
    throw new RangeError(`"${value}" is not an address: expected 0x and 40 hexadecimal digits.`)
  return value.toLowerCase() as Address
}

/** @throws RangeError unless `value` is 0x and 64 hexadecimal digits. */
export function bytes32(value: string): Hex {
  if (!/^0x[0-9a-fA-F]{64}$/.test(value))
    throw new RangeError(`"${value}" is not 32 bytes: expected 0x and 64 hexadecimal digits.`)
  return value.toLowerCase() as Hex
}
