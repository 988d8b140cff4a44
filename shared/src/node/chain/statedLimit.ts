/** The limit that a node's refusal names, such as "batch of more than 3 requests"; undefined when it names none. */
export function limitIn(message: string, below: number): number | undefined {
  const numbers = [...message.matchAll(/(?<![\w.-])\d[\d,]*(?![\w.])/g)].map(([text]) =>
    Number(text.replaceAll(',', '')),
  )
  return numbers.find((number) => number >= 1 && number < below)
}
