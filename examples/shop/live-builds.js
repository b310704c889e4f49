/** Sends the list of builds to every listener, at first and after each change. Without listeners it does nothing. */
export class LiveBuilds {
  #store
  #listeners = new Set()
  #timer
  #version
  #sent = ''

  constructor(store) {
    this.#store = store
  }

  /** @param {import('node:http').ServerResponse} response kept open, as Server-Sent Events are */
  add(response) {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    response.write('retry: 1000\n\n')
    this.#listeners.add(response)
    response.on('close', () => this.#remove(response))
    this.#poll()
    if (this.#sent !== '') response.write(this.#sent)
    this.#timer ??= setInterval(() => this.#poll(), 200)
  }

  close() {
    for (const response of this.#listeners) response.end()
  }

  #remove(response) {
    this.#listeners.delete(response)
    if (this.#listeners.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #poll() {
    const event = this.#changed()
    if (event === undefined) return
    this.#sent = event
    for (const response of this.#listeners) response.write(event)
  }

  /** The list as an event, if it has changed. */
  #changed() {
    try {
      const version = this.#store.version()
      if (version === this.#version) return undefined
      const event = `event: builds\ndata: ${JSON.stringify(this.#store.builds())}\n\n`
      this.#version = version
      return event === this.#sent ? undefined : event
    } catch {
      // The database does not exist yet, or is being migrated; the next poll will see.
      return undefined
    }
  }
}
