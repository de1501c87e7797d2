// The line to the host: messages in, commands out, and another try when it breaks.

const firstPause = 500, longestPause = 8000;

export class Connection {
  #socket = null;
  #pause = firstPause;

  /** @param handlers functions by the type of the message that they take, and `state`, told whether the line is open. */
  constructor(handlers) {
    this.handlers = handlers;
    this.#open();
  }

  get isOpen() { return this.#socket?.readyState === WebSocket.OPEN; }

  /** Sends a command; without a line it is lost, because it was meant for a scene that has gone. */
  send(type, fields = {}) {
    if (this.isOpen) this.#socket.send(JSON.stringify({ type, ...fields }));
  }

  #open() {
    const address = new URL("socket", location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.onopen = () => {
      this.#pause = firstPause;
      this.handlers.state(true);
    };
    socket.onmessage = (event) => {
      const message = JSON.parse(event.data);
      this.handlers[message.type]?.(message);
    };
    socket.onclose = () => {
      this.handlers.state(false);
      setTimeout(() => this.#open(), this.#pause);
      this.#pause = Math.min(this.#pause * 2, longestPause);
    };
  }
}
