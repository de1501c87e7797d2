import DPPushT
import DiffusionPolicyKit

/// The code on the front page, between the two markers.
func fourSteps(data: String, recipe: Recipe, output: String) throws -> PushTEnvironment {
    // The front page begins.
    // 1. Load demonstrations.
    let demonstrations = try InMemoryDataset(contentsOf: data)

    // 2. Train.
    let trainer = try Trainer(recipe: recipe, demonstrations: demonstrations, seed: 42)
    for batch in trainer.batches(count: recipe.training.steps) {
        let report = try trainer.step(batch)  // loss, learning rate, gradient norm
        print(report.step, report.loss)
    }
    try trainer.exportPolicy(to: output)  // EMA weights, normalizer, recipe

    // 3. Load the policy.
    let policy = try DiffusionPolicy(contentsOf: output, sampler: .ddim(steps: 10))
    var controller = RecedingHorizonController(policy, seed: 0)
    try controller.prepare()  // compiles now, so that the first action is not late

    // 4. Act.
    let environment = PushTEnvironment(seed: 100_000)
    while !environment.isSuccess, environment.stepCount < 300 {
        try environment.step(controller.action(for: environment.observation))
    }
    // The front page ends.
    return environment
}
