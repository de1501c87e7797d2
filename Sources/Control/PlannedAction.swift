import PolicyInterface

/// An action of a plan, in double precision too where the policy gave it so.
struct PlannedAction: Sendable {
    /// The action, in raw units.
    let floats: [Float]
    /// The same in double precision, where single precision cannot hold such actions; else nil.
    let doubles: [Double]?

    /// The action in double precision, whatever it came in.
    var inDoubles: [Double] { doubles ?? floats.map(Double.init) }

    /// The action that has gone a share of the way from one to another.
    static func mix(_ old: PlannedAction, _ new: PlannedAction, share: Double) -> PlannedAction {
        if old.doubles == nil, new.doubles == nil {
            let share = Float(share)
            return PlannedAction(floats: zip(old.floats, new.floats).map { $0 + share * ($1 - $0) }, doubles: nil)
        }
        let doubles = zip(old.inDoubles, new.inDoubles).map { $0 + share * ($1 - $0) }
        return PlannedAction(floats: doubles.map(Float.init), doubles: doubles)
    }
}

extension ActionChunk {
    /// Some of the predicted actions.
    func planned(_ range: Range<Int>) -> [PlannedAction] {
        range.map { PlannedAction(floats: prediction[$0], doubles: doubles?[$0]) }
    }
}
