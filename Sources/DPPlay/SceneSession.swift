/// A scene that advances by control steps and executes commands from pages: a state machine without clock, threads
/// or network.
///
/// Must be used by one thread at a time.
protocol SceneSession: AnyObject {
    /// Constant data that a page receives when it connects.
    var introduction: SceneIntroduction { get }
    /// The current state of the scene.
    var frame: SceneFrame { get }

    /// Executes a command.
    /// - Throws: `InputError` if it cannot; the scene is then unchanged.
    func perform(_ command: SceneCommand) throws

    /// Notes a message from the page that holds a body.
    func renewHold()

    /// Releases the body because its page sent no message for too long, and removes the frames recorded since its
    /// last message.
    /// - Returns: the number of removed frames.
    func dropHold() -> Int

    /// Performs the control step that is due.
    /// - Throws: an error of the simulation, for example for an action far outside the world; the scene then stops.
    func tick() throws -> SceneTick
}

/// The outcome of a tick.
enum SceneTick: Sendable, Equatable {
    /// Nothing happened: the scene is paused.
    case idle
    /// A control step was performed.
    case stepped
    /// The step is waiting for the policy.
    case waiting
}
