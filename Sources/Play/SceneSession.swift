/// A scene that goes on control step by control step and obeys a page: a state machine without clock, threads and network.
///
/// Used by one thread at a time.
protocol SceneSession: AnyObject {
    /// What a page has to know once.
    var introduction: SceneIntroduction { get }
    /// The scene now.
    var frame: SceneFrame { get }

    /// Obeys a page.
    /// - Throws: `RefusedCommand`, `InvalidSetting` or `PushTError` when it cannot; the scene is then as before.
    func obey(_ command: SceneCommand) throws

    /// The page that holds something was heard.
    func renewHold()

    /// The page that held something was not heard for long: lets go, and takes back what was recorded since it was heard last.
    /// - Returns: how many frames were taken back.
    func dropHold() -> Int

    /// A control step's time has come.
    /// - Throws: what the simulation refuses, such as an action far outside of the world; the scene then stands still.
    func tick() throws -> SceneTick
}

/// What came of a tick.
enum SceneTick: Sendable, Equatable {
    /// Nothing happened: the scene is paused.
    case idle
    /// A control step was done.
    case stepped
    /// The step has to wait for the policy.
    case waiting
}
