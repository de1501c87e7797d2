import DPBase
import Foundation

/// A command from a page.
///
/// It is sent as a JSON object whose `type` is the name of the case:
/// `{"type": "grab", "body": "block", "at": [250, 300]}`.
enum SceneCommand: Sendable, Equatable {
    /// Resumes after a pause.
    case run
    /// Pauses the scene.
    case pause
    /// Performs one control step and pauses again.
    case step
    /// Restarts the episode from the same start.
    case restart
    /// Goes to the next start.
    case next
    /// Changes the policy's settings.
    case settings(PlaySettings)
    /// Grabs a body at a point of the world.
    case grab(Body, at: SIMD2<Double>)
    /// Drags the held body to a point of the world.
    case drag(to: SIMD2<Double>)
    /// Turns the block by an angle in radians.
    case turn(by: Double)
    /// Moves a body by an offset in pixels, without grabbing it.
    case nudge(Body, by: SIMD2<Double>)
    /// Reports that the page still holds the body; any other command of that page does so, too.
    case hold
    /// Releases the held body.
    case release
    /// Saves the recorded episode and goes to the next start.
    case keep
    /// Discards the episode and goes to the next start.
    case discard
    /// Discards the episode and restarts from the same start.
    case redo

    /// A body that can be moved.
    enum Body: String, Codable, Sendable {
        /// The T.
        case block
        /// The round pusher.
        case agent
    }
}

extension SceneCommand: Decodable {
    private enum Name: String, Decodable {
        case run, pause, step, restart, next, settings, grab, drag, turn, nudge, hold, release, keep, discard, redo
    }

    private enum CodingKeys: String, CodingKey {
        case type, settings, body, at, to, by
    }

    /// Reads the object and rejects implausible numbers.
    init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: CodingKeys.self)
        func point(_ key: CodingKeys) throws -> SIMD2<Double> { try object.decode(ScenePoint.self, forKey: key).vector }
        switch try object.decode(Name.self, forKey: .type) {
        case .run: self = .run
        case .pause: self = .pause
        case .step: self = .step
        case .restart: self = .restart
        case .next: self = .next
        case .settings: self = .settings(try object.decode(PlaySettings.self, forKey: .settings))
        case .grab: self = .grab(try object.decode(Body.self, forKey: .body), at: try point(.at))
        case .drag: self = .drag(to: try point(.to))
        case .turn:
            let angle = try object.decode(Double.self, forKey: .by)
            guard abs(angle) <= 2 * .pi else {
                throw DecodingError.dataCorruptedError(
                    forKey: .by, in: object, debugDescription: "a turn is at most 2π, found \(angle)")
            }
            self = .turn(by: angle)
        case .nudge: self = .nudge(try object.decode(Body.self, forKey: .body), by: try point(.by))
        case .hold: self = .hold
        case .release: self = .release
        case .keep: self = .keep
        case .discard: self = .discard
        case .redo: self = .redo
        }
    }

    /// The longest accepted command, in bytes; valid commands are much shorter.
    static let longest = 4096

    /// Reads the text of a message.
    /// - Throws: `InputError`.
    init(text: String) throws {
        guard text.utf8.count <= Self.longest else {
            throw InputError(at: "command", expected: "at most \(Self.longest) bytes", found: "\(text.utf8.count)")
        }
        do { self = try JSONDecoder().decode(SceneCommand.self, from: Data(text.utf8)) } catch {
            throw InputError(at: "command", expected: "a command in JSON", found: Self.reason(error))
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case DecodingError.keyNotFound(let key, _): "no key \"\(key.stringValue)\""
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context):
            (context.codingPath.isEmpty ? "" : context.codingPath.map(\.stringValue).joined(separator: ".") + ": ")
                + context.debugDescription
        default: "\(error)"
        }
    }
}
